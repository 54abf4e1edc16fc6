import { setTimeout as delay } from 'node:timers/promises';
import {
  exactVersion,
  type IndexSettings,
  isWhole,
  type Lock,
  type Requirement,
  requiresOnly,
  type Target,
} from '@mir/python';
import { type EarlyWheels, type ForeseenWheel, recallForeseen } from '../layers/early-wheels.ts';
import type { Workshop } from '../workshop.ts';

/** Of so many wheels, and no more than are known, it may be unknown what they require: they are begun at once. */
const unknownLimit = 8;
/** An index that takes longer is left to the resolver, which knows what to say of it. */
const patienceMilliseconds = 10_000;
const confirmer = 'mir';

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
 * which takes no request that the build would not make. Undefined where a resolver has to be asked.
 */
export async function confirmPins(
  workshop: Workshop,
  { requirements, constraints, target, early }: PinnedWish,
  indexing: () => Promise<IndexSettings>,
): Promise<Lock | undefined> {
  if (requirements.some((one) => exactVersion(one) === undefined)) return undefined;
  const index = await indexing();
  const known = requirements.map((one) => recallForeseen(workshop, one, index, target));
  const unknown = known.filter((one) => one === undefined).length;
  if (unknown > (early === undefined ? 0 : Math.min(unknownLimit, known.length / 2))) return undefined;
  const names = new Set(requirements.map(({ name }) => name));
  // A list that leaves something open shows it early, mostly in what is known.
  const closed = (one: ForeseenWheel | undefined) => one && requiresOnly(names, one.metadata, target);
  if (!known.every((one) => one === undefined || closed(one))) return undefined;
  const begun = requirements.map(async (one, at) => {
    const wheel = known[at] ?? (await early?.begin(one, index));
    return closed(wheel) ? wheel : undefined;
  });
  const wheels = await patiently(allOrNone(begun));
  const pinned = wheels?.flatMap((wheel, at) => pinnedBy(requirements[at], wheel));
  if (pinned?.length !== requirements.length || !isWhole(pinned, constraints, target)) return undefined;
  return {
    target,
    createdBy: confirmer,
    packages: pinned
      .map(({ name, version, wheel }) => ({ name, version, wheel, direct: true }))
      .sort((one, other) => (one.name < other.name ? -1 : 1)),
  };
}

function pinnedBy(requirement: Requirement | undefined, foreseen: ForeseenWheel | undefined) {
  const version = requirement && exactVersion(requirement);
  if (requirement === undefined || version === undefined || foreseen === undefined) return [];
  return [{ name: requirement.name, extras: requirement.extras, version, ...foreseen }];
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
