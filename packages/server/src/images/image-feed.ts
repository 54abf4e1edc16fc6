import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { serverFault } from '../fault.ts';
import type { InstanceContext } from '../instance-context.ts';
import { detailsOfBuilds, listJobs } from '../jobs/job-details.ts';
import { channels } from '../jobs/queue.ts';
import { summaryOf } from './image-details.ts';
import { imageRows } from './image-row.ts';

/** What happens within such a time is looked up, and told, at once. */
const gatherMilliseconds = 400;
/** Of more changes at once nobody reads the details; whoever follows looks at their page again instead. */
const namedAtOnce = 100;
/** A comment so often keeps proxies from closing a quiet connection. */
const keepAliveSeconds = 15;
const followerLimit = 1000;
/** Of one account: many tabs, and no more. */
const accountLimit = 50;
/** After so long a follower comes again, and shows that it still may. */
const longestMilliseconds = 30 * 60 * 1000;
/** Who reads so slowly is let go, and comes again to a fresh start. */
const waitingLimit = 1000;

type Follower = {
  readonly account: number;
  readonly events: string[];
  wake: () => void;
  isOver: boolean;
  stream?: Readable;
};

/**
 * What happens to images and their builds, for everybody who looks at lists of them: read from the database once, however many follow,
 * and a few times a second at most, however much happens.
 */
export class ImageFeed implements Disposable {
  readonly #context: InstanceContext;
  readonly #followers = new Set<Follower>();
  readonly #unsubscribe: () => void;
  #images = new Set<string>();
  #builds = new Set<string>();
  #isManyChanged = false;
  #telling: Promise<void> | undefined;

  constructor(context: InstanceContext) {
    this.#context = context;
    this.#unsubscribe = context.notifications.subscribe((channel, payload) => this.#note(channel, payload));
  }

  /**
   * Server-Sent Events: `build` (as jobs are described) for each that runs or waits and whenever one moves, `image` (its name, and its
   * summary or null) whenever one changes, `many` when too much did. `ready` ends what is told at the beginning.
   *
   * @throws Fault `instance/overloaded`
   */
  follow(account: number): Readable {
    const own = [...this.#followers].filter((one) => one.account === account).length;
    if (this.#followers.size >= followerLimit || own >= accountLimit) {
      throw serverFault('instance/overloaded', {
        what: 'Too many look at the images of this instance at the moment',
        hint: 'The lists work without following them; try again in a minute.',
      });
    }
    const follower: Follower = { account, events: [], wake: () => undefined, isOver: false };
    this.#followers.add(follower);
    const stream = Readable.from(this.#events(follower), { objectMode: false });
    follower.stream = stream;
    // Also when nobody has begun to read.
    stream.once('close', () => this.#letGo(follower));
    return stream;
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    for (const follower of this.#followers) this.#letGo(follower);
  }

  async *#events(follower: Follower): AsyncGenerator<string> {
    const ends = performance.now() + longestMilliseconds;
    try {
      yield 'retry: 2000\n\n';
      for (const build of await listJobs(this.#context.db, ['RUNNING', 'QUEUED'], namedAtOnce)) {
        yield event('build', build);
      }
      yield event('ready', {});
      while (!follower.isOver && performance.now() < ends) {
        const told = follower.events.splice(0).join('');
        if (told !== '') yield told;
        else if (!(await wokenWithin(follower, keepAliveSeconds))) yield ': still here\n\n';
      }
    } finally {
      this.#followers.delete(follower);
    }
  }

  #note(channel: string | undefined, payload: string): void {
    if (this.#followers.size === 0) return;
    if (channel === channels.changed) this.#builds.add(payload);
    else if (channel === channels.images && payload !== '') this.#images.add(payload);
    else if (channel === channels.images || channel === undefined) this.#isManyChanged = true;
    else return;
    this.#schedule();
  }

  #schedule(): void {
    this.#telling ??= delay(gatherMilliseconds, undefined, { ref: false })
      .then(() => this.#tell())
      .catch(() => {
        // The database is away: what was missed is seen by looking again.
        this.#isManyChanged = this.#followers.size > 0;
      })
      .finally(() => {
        this.#telling = undefined;
        if (this.#images.size + this.#builds.size > 0 || this.#isManyChanged) this.#schedule();
      });
  }

  async #tell(): Promise<void> {
    const [images, builds] = [[...this.#images], [...this.#builds]];
    const isManyChanged = this.#isManyChanged || images.length > namedAtOnce;
    this.#images = new Set();
    this.#builds = new Set();
    this.#isManyChanged = false;
    const events = isManyChanged ? [event('many', {})] : await this.#imageEvents(images);
    for (const build of await detailsOfBuilds(this.#context.db, builds.slice(0, namedAtOnce))) {
      events.push(event('build', build));
    }
    for (const follower of this.#followers) {
      follower.events.push(...events);
      if (follower.events.length > waitingLimit) this.#letGo(follower);
      else follower.wake();
    }
  }

  /** Who does not read is not waited for: what it has not read is thrown away with its connection. */
  #letGo(follower: Follower): void {
    this.#followers.delete(follower);
    follower.events.length = 0;
    follower.isOver = true;
    follower.wake();
    follower.stream?.destroy();
  }

  async #imageEvents(names: readonly string[]): Promise<string[]> {
    if (names.length === 0) return [];
    const rows = await imageRows(this.#context.db)
      .where('images.name', 'in', [...names])
      .execute();
    const byName = new Map(rows.map((row) => [row.name, summaryOf(this.#context, row)]));
    return names.map((name) => event('image', { name, image: byName.get(name) ?? null }));
  }
}

async function wokenWithin(follower: Follower, seconds: number): Promise<boolean> {
  const over = new AbortController();
  const woken = new Promise<true>((resolve) => {
    follower.wake = () => resolve(true);
  });
  const quiet = delay(seconds * 1000, false as const, { signal: over.signal }).catch(() => false as const);
  const isWoken = follower.events.length > 0 || (await Promise.race([woken, quiet]));
  over.abort();
  return isWoken;
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
