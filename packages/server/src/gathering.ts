/** What happens within such a time is looked up, and told, at once. */
const gatherMilliseconds = 400;

/** What has happened since it was told last: the names of what changed, by kind. */
export type Gathered<Kind extends string> = {
  readonly names: Readonly<Record<Kind, readonly string[]>>;
  /** Something may have been missed. */
  readonly isMissed: boolean;
};

/**
 * What happens, gathered while somebody follows and told a few times a second at most, however much happens. What could not be told,
 * since the database was away, is told with what comes next.
 */
export class Gathering<Kind extends string> implements Disposable {
  readonly #kinds: readonly Kind[];
  readonly #isFollowed: () => boolean;
  readonly #tell: (gathered: Gathered<Kind>) => Promise<void>;
  #names: ReadonlyMap<Kind, Set<string>>;
  #isMissed = false;
  #isTelling = false;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Infinity;

  constructor(
    kinds: readonly Kind[],
    {
      isFollowed,
      tell,
    }: { readonly isFollowed: () => boolean; readonly tell: (gathered: Gathered<Kind>) => Promise<void> },
  ) {
    this.#kinds = kinds;
    this.#isFollowed = isFollowed;
    this.#tell = tell;
    this.#names = this.#noNames();
  }

  /** Something has changed. */
  note(kind: Kind, name: string): void {
    if (!this.#isFollowed()) return;
    this.#names.get(kind)?.add(name);
    this.wakeWithin(gatherMilliseconds);
  }

  /** Nobody knows what has changed. */
  noteMissed(): void {
    if (!this.#isFollowed()) return;
    this.#isMissed = true;
    this.wakeWithin(gatherMilliseconds);
  }

  /** Has it told within such a time, also when nothing changes until then. */
  wakeWithin(milliseconds: number): void {
    const dueAt = performance.now() + milliseconds;
    if (dueAt >= this.#dueAt) return;
    this.#dueAt = dueAt;
    // One after the other: what is noted while it is told waits for its end.
    if (!this.#isTelling) this.#wakeWhenDue();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#dueAt = -Infinity;
  }

  #wakeWhenDue(): void {
    clearTimeout(this.#timer);
    const milliseconds = Math.max(0, this.#dueAt - performance.now());
    this.#timer = setTimeout(() => void this.#tellGathered(), milliseconds).unref();
  }

  async #tellGathered(): Promise<void> {
    const names = this.#names;
    const isMissed = this.#isMissed;
    this.#names = this.#noNames();
    this.#isMissed = false;
    this.#dueAt = Infinity;
    if (!this.#isFollowed()) return;
    this.#isTelling = true;
    try {
      const lists = this.#kinds.map((kind) => [kind, [...(names.get(kind) ?? [])]]);
      await this.#tell({ names: Object.fromEntries(lists), isMissed });
    } catch {
      // The database is away.
      for (const [kind, set] of names) for (const name of set) this.note(kind, name);
      this.noteMissed();
    } finally {
      this.#isTelling = false;
      if (Number.isFinite(this.#dueAt)) this.#wakeWhenDue();
    }
  }

  #noNames(): ReadonlyMap<Kind, Set<string>> {
    return new Map(this.#kinds.map((kind) => [kind, new Set<string>()]));
  }
}
