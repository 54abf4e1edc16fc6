import { setTimeout as delay } from 'node:timers/promises';
import {
  exactVersion,
  type IndexSettings,
  isWhole,
  type Lock,
  type LockedPackage,
  type LockedWheel,
  type PinnedPackage,
  type Requirement,
  requiresOnly,
  type Target,
} from '@mir/python';
import { type EarlyWheels, type ForeseenWheel, recallForeseen } from '../layers/early-wheels.ts';
import { recallMetadata } from '../layers/wheel-layers.ts';
import type { Workshop } from '../workshop.ts';

/** Of so many wheels, and no more than are known, it may be unknown what they require: they are begun at once. */
export const unknownLimit = 8;
/** An index that takes longer is left to the resolver, which knows what to say of it. */
const patienceMilliseconds = 10_000;
const confirmer = 'mir';

/** A wish whose every package was pinned, and its lock: whatever the index learns later, its versions stay. */
export type Settled = { readonly requirements: readonly string[]; readonly lock: Lock };

/** Pins to confirm; `early` is there where wheels may be started on before there is a lock. */
export type PinnedWish = {
  readonly requirements: readonly Requirement[];
  readonly constraints: readonly Requirement[];
  readonly target: Target;
  readonly early?: EarlyWheels;
};

/**
 * The lock of a list that pins everything it needs. Nothing is to be chosen there, only to be checked: which file each pin means, and
 * whether the files require anything else. Wheels that were converted before are known; a few new ones say it while they are converted,
 * which takes no request that the build would not make. What is in `start`, a part of the list that was settled before, is not looked at again.
 * Undefined where a resolver has to be asked.
 */
export async function confirmPins(
  workshop: Workshop,
  { requirements, constraints, target, early }: PinnedWish,
  start: Settled | undefined,
  indexing: () => Promise<IndexSettings>,
): Promise<Lock | undefined> {
  if (requirements.some((one) => exactVersion(one) === undefined)) return undefined;
  const settled = new Map(start?.lock.packages.map((one) => [one.name, one]));
  const index = await indexing();
  const names = new Set(requirements.map(({ name }) => name));
  // A list that leaves something open shows it early, mostly in what is known.
  const isClosed = ({ metadata }: ForeseenWheel) => requiresOnly(names, metadata, target);
  const known = requirements
    .filter(({ name }) => !settled.has(name))
    .map((requirement) => ({ requirement, foreseen: recallForeseen(workshop, requirement, index, target) }));
  const unknown = known.filter(({ foreseen }) => foreseen === undefined).length;
  if (unknown > (early === undefined ? 0 : Math.min(unknownLimit, requirements.length / 2))) return undefined;
  if (!known.every(({ foreseen }) => foreseen === undefined || isClosed(foreseen))) return undefined;
  const begun = known.map(async ({ requirement, foreseen }) => {
    const wheel = foreseen ?? (await early?.begin(requirement, index));
    return wheel !== undefined && isClosed(wheel) ? ([requirement.name, wheel] as const) : undefined;
  });
  const added = await patiently(allOrNone(begun));
  if (added === undefined) return undefined;
  const foreseen = new Map(added);
  const pinned = requirements.flatMap(
    (one) => settledPin(workshop, one, settled.get(one.name)) ?? newPin(one, foreseen.get(one.name)) ?? [],
  );
  if (pinned.length !== requirements.length || !isWhole(pinned, constraints, target)) return undefined;
  return {
    target,
    createdBy: confirmer,
    packages: pinned
      .map(({ name, version, wheel }) => ({ name, version, wheel, direct: true }))
      .sort((one, other) => (one.name < other.name ? -1 : 1)),
  };
}

/** A pinned package and the wheel that the pin means. */
type Pin = PinnedPackage & { readonly wheel: LockedWheel };

function settledPin(workshop: Workshop, { extras }: Requirement, locked: LockedPackage | undefined): Pin | undefined {
  if (locked === undefined) return undefined;
  const { name, version, wheel } = locked;
  return { name, version, wheel, extras, isSettled: true, metadata: () => recallMetadata(workshop, wheel) };
}

function newPin(requirement: Requirement, foreseen: ForeseenWheel | undefined): Pin | undefined {
  const version = exactVersion(requirement);
  if (version === undefined || foreseen === undefined) return undefined;
  const { wheel, metadata } = foreseen;
  return { name: requirement.name, version, wheel, extras: requirement.extras, metadata: () => metadata };
}

/** All of them, or undefined as soon as one is. */
function allOrNone<Result>(asked: readonly Promise<Result | undefined>[]): Promise<readonly Result[] | undefined> {
  return new Promise((resolve, reject) => {
    const missed = asked.map(async (one) => {
      const found = await one;
      if (found === undefined) resolve(undefined);
      return found;
    });
    Promise.all(missed).then((all) => resolve(all.filter((one) => one !== undefined)), reject);
  });
}

async function patiently<Result>(asked: Promise<Result>): Promise<Result | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([asked, delay(patienceMilliseconds, undefined, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
