import type { PlatformPins } from './lock-pins.ts';
import type { PackageChange } from './package-changes.tsx';

/** A change, and the platforms that it is about; none named where it is about all of them. */
type LockChange = PackageChange & {
  readonly kind: 'wheel' | 'os-package';
  readonly platforms: readonly string[];
};

/** What is different between the locks of an image and those that it would have. */
export type LockChanges = {
  readonly changes: readonly LockChange[];
  /** A change of the base, where there is one: its names are equal when only its packages are newer. */
  readonly base: { readonly before: string; readonly after: string } | undefined;
  /** Platforms that only one side has; what is in them is not counted among the changes. */
  readonly addedPlatforms: readonly string[];
  readonly droppedPlatforms: readonly string[];
};

/** Compares the locks of all platforms: what changes alike on all of them is one change. */
export function lockChanges(before: readonly PlatformPins[], after: readonly PlatformPins[]): LockChanges {
  const common = after.flatMap((next) => {
    const standing = before.find(({ platform }) => platform === next.platform);
    return standing === undefined ? [] : [{ platform: next.platform, standing, next }];
  });
  const changes = new Map<string, LockChange>();
  for (const { platform, standing, next } of common) {
    const [old, now] = [pinsByKey(standing), pinsByKey(next)];
    for (const key of new Set([...old.keys(), ...now.keys()])) {
      const [was, is] = [old.get(key), now.get(key)];
      const pin = is ?? was;
      if (pin === undefined || was?.version === is?.version) continue;
      const id = [key, was?.version ?? '', is?.version ?? ''].join(' ');
      const platforms = [...(changes.get(id)?.platforms ?? []), platform];
      const { kind, name } = pin;
      changes.set(id, { kind, name, before: was?.version ?? null, after: is?.version ?? null, platforms });
    }
  }
  const rebased = common.find(({ standing, next }) => standing.base.digest !== next.base.digest);
  return {
    changes: [...changes.values()]
      .map((one) => (one.platforms.length === common.length ? { ...one, platforms: [] } : one))
      .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1)),
    base: rebased && { before: rebased.standing.base.name, after: rebased.next.base.name },
    addedPlatforms: namesIn(after).filter((name) => !namesIn(before).includes(name)),
    droppedPlatforms: namesIn(before).filter((name) => !namesIn(after).includes(name)),
  };
}

function pinsByKey({ pins }: PlatformPins) {
  return new Map(pins.map((pin) => [`${pin.kind} ${pin.name}`, pin]));
}

/** Python's packages first, each list by name. */
function orderOf({ kind, name, platforms }: LockChange): string {
  return [kind === 'wheel' ? 0 : 1, name, ...platforms].join(' ');
}

function namesIn(locks: readonly PlatformPins[]): readonly string[] {
  return locks.map(({ platform }) => platform);
}
