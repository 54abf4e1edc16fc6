import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  defaultIndexUrl,
  findUv,
  formatRequirement,
  type IndexSettings,
  type Interpreter,
  indexSettingsOfMachine,
  type Lock,
  type Requirement,
  resolve,
  type Target,
  uvVersion,
} from '@mir/python';
import type { EarlyWheels } from '../layers/early-wheels.ts';
import { recall, remember } from '../memory.ts';
import type { Workshop } from '../workshop.ts';
import { confirmPins, type Settled } from './confirmation.ts';
import { pythonForUv } from './host-python.ts';
import { arePinned, pinsOf } from './pins.ts';

/** Index metadata may be this old when something is resolved. */
const maximalAgeMilliseconds = 10 * 60 * 1000;
/** uv answers what its index is without asking anybody. */
const tellingTimeoutSeconds = 20;
/** Resolutions of pinned requirements that the next one may build on. */
const settledLimit = 12;

/** What to resolve. */
export type Wish = {
  readonly requirements: readonly Requirement[];
  readonly constraints: readonly Requirement[];
  readonly target: Target;
  /** The base's Python, for a host that has none of its own. */
  readonly interpreter: () => Promise<Interpreter | undefined>;
  /** A folder of wheels that were built here, which count beside those of the indexes. */
  readonly wheelFolder?: string;
  /** Where wheels may be started on while they are resolved: right when a build follows. */
  readonly early?: EarlyWheels;
};

type Resolved = { readonly atMilliseconds: number; readonly lock: Lock };

/**
 * Resolves requirements to a lock. The same wish within ten minutes has the same answer without asking the index again; where
 * every package is pinned to a version, it has so for good, and a longer list is resolved from where a shorter one was left.
 *
 * @throws Fault `resolution/*`, `uv/*`
 */
export async function resolveLock(workshop: Workshop, wish: Wish): Promise<Lock> {
  if (wish.requirements.length === 0) return { target: wish.target, packages: [], createdBy: `uv ${uvVersion}` };
  const index = await indexSettingsOfMachine(workshop.environment);
  // What was built here may be gone tomorrow: nothing is remembered of it.
  if (wish.wheelFolder !== undefined) return workshop.stage('resolve', () => runResolver(workshop, wish, index));
  const known = recallLock(workshop, wish, index);
  if (known !== undefined) return known;
  const settled = settledLocks(workshop, wish, index);
  const lock = await workshop.stage('resolve', () => resolveFrom(workshop, wish, index, settled));
  await remember(workshop, 'locks', keyOf(wish, index), {
    atMilliseconds: workshop.now().getTime(),
    lock,
  } satisfies Resolved);
  if (arePinned(lock, wish.requirements)) {
    const newest: Settled = { requirements: wish.requirements.map(textOf), lock };
    const kept = [newest, ...settled].slice(0, settledLimit);
    await remember(workshop, 'locks', ['settled', ...circumstances(wish, index)], kept);
  }
  return lock;
}

/**
 * The packages that were added to a pinned list are resolved alone, held to the pins of the whole list. What comes out is what
 * resolving all of it would give, because all of it is pinned; anything else is resolved anew.
 */
async function resolveFrom(
  workshop: Workshop,
  wish: Wish,
  index: IndexSettings,
  settled: readonly Settled[],
): Promise<Lock> {
  const start = startOf(wish, settled);
  const confirmed = await confirmPins(workshop, wish, start, () => spelledOut(workshop, wish, index));
  if (confirmed !== undefined) return confirmed;
  if (start === undefined) {
    // What has not been resolved lately is likely to bring much that is new.
    return runResolver(workshop, wish, index, () => {
      // Whoever only plans converts nothing.
      if (wish.early !== undefined) workshop.pool.warm();
      wish.early?.start(wish.requirements, spelledOut(workshop, wish, index));
    });
  }
  const done = new Set(start.requirements);
  const added = wish.requirements.filter((one) => !done.has(textOf(one)));
  if (added.length === 0) return start.lock;
  try {
    const constraints = [...wish.constraints, ...pinsOf(wish.requirements)];
    const lock = await runResolver(workshop, { ...wish, requirements: added, constraints }, index, () =>
      wish.early?.start(added, spelledOut(workshop, wish, index)),
    );
    if (arePinned(lock, wish.requirements)) return united(start.lock, lock);
  } catch {
    // It does not fit. Resolving the whole list tells why, in its own words.
  }
  return runResolver(workshop, wish, index);
}

/** Those of the wished requirements that are in no part of the list that was settled before. */
export function unsettledOf(workshop: Workshop, wish: Question, index: IndexSettings): readonly Requirement[] {
  const done = new Set(startOf(wish, settledLocks(workshop, wish, index))?.requirements);
  return wish.requirements.filter((one) => !done.has(textOf(one)));
}

/** The largest list that was settled and is a part of the wish. */
function startOf({ requirements: wished }: Question, settled: readonly Settled[]): Settled | undefined {
  const texts = new Set(wished.map(textOf));
  return settled
    .filter(({ requirements, lock }) => requirements.every((one) => texts.has(one)) && arePinned(lock, wished))
    .reduce<Settled | undefined>(
      (best, one) => (best !== undefined && best.lock.packages.length >= one.lock.packages.length ? best : one),
      undefined,
    );
}

async function runResolver(
  workshop: Workshop,
  wish: Wish,
  index: IndexSettings,
  onStarted: () => void = () => undefined,
): Promise<Lock> {
  const { requirements, constraints, target, wheelFolder } = wish;
  const folder = wheelFolder === undefined ? {} : { wheelFolder };
  return resolve({ requirements, constraints, target, index, onStarted, ...folder, ...(await uvFor(workshop, wish)) });
}

/** The indexes of the machine, with the one that uv asks by itself written out. */
export async function indexesOf(workshop: Workshop, interpreter: Wish['interpreter']): Promise<IndexSettings> {
  return spelledOut(workshop, { interpreter }, await indexSettingsOfMachine(workshop.environment));
}

/** The settings with the index that uv asks by itself written out; undefined where uv would have to be asked for it. */
export function knownIndexes(workshop: Workshop, index: IndexSettings): IndexSettings | undefined {
  if (index.indexUrl !== undefined) return index;
  const indexUrl = recall<string>(workshop, 'indexes', [uvVersion]);
  return indexUrl === undefined ? undefined : { ...index, indexUrl };
}

/** The settings with the index that uv asks by itself written out, for those who ask an index without uv. */
async function spelledOut(
  workshop: Workshop,
  wish: Pick<Wish, 'interpreter'>,
  index: IndexSettings,
): Promise<IndexSettings> {
  const known = knownIndexes(workshop, index);
  if (known !== undefined) return known;
  const indexUrl = await defaultIndexUrl({ ...(await uvFor(workshop, wish)), timeoutSeconds: tellingTimeoutSeconds });
  if (indexUrl === undefined) return index;
  await remember(workshop, 'indexes', [uvVersion], indexUrl);
  return { ...index, indexUrl };
}

async function uvFor(workshop: Workshop, wish: Pick<Wish, 'interpreter'>) {
  const interpreter = await pythonForUv(workshop, wish.interpreter);
  return {
    uv: await findUv({ cacheDirectory: workshop.home.cache, environment: workshop.environment }),
    cacheDirectory: join(workshop.home.cache, 'uv'),
    ...(interpreter !== undefined && { interpreter }),
  };
}

function united(one: Lock, other: Lock): Lock {
  const packages = new Map([...one.packages, ...other.packages].map((locked) => [locked.name, locked]));
  return { ...one, packages: [...packages.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function settledLocks(workshop: Workshop, wish: Question, index: IndexSettings): readonly Settled[] {
  return recall<readonly Settled[]>(workshop, 'locks', ['settled', ...circumstances(wish, index)]) ?? [];
}

function stillCounts({ atMilliseconds, lock }: Resolved, now: Date, wish: Question): boolean {
  const age = now.getTime() - atMilliseconds;
  return (age >= 0 && age < maximalAgeMilliseconds) || arePinned(lock, wish.requirements);
}

/** What decides a lock. */
type Question = Pick<Wish, 'requirements' | 'constraints' | 'target'>;

/** The lock that the same wish had before, while it still counts. */
export function recallLock(workshop: Workshop, wish: Question, index: IndexSettings): Lock | undefined {
  const known = recall<Resolved>(workshop, 'locks', keyOf(wish, index));
  return known !== undefined && stillCounts(known, workshop.now(), wish) ? known.lock : undefined;
}

function keyOf(wish: Question, index: IndexSettings): string[] {
  return [...circumstances(wish, index), 'requirements', ...wish.requirements.map(textOf)];
}

/** Everything but the requirements that decides a lock. */
function circumstances(wish: Question, index: IndexSettings): string[] {
  const { pythonVersion, architecture, libc } = wish.target;
  return [
    uvVersion,
    `${pythonVersion} ${architecture} ${libc.family} ${libc.version}`,
    index.indexUrl ?? '',
    ...(index.extraIndexUrls ?? []),
    'constraints',
    ...wish.constraints.map(textOf),
  ];
}

function textOf(one: Requirement): string {
  return [formatRequirement(one), ...(one.hashes ?? [])].join(' ');
}

/** Drops what was resolved lately: a file was not what the index had said of it, so that the index is to be asked again. */
export async function forgetResolutions(workshop: Workshop): Promise<void> {
  workshop.forecasts.clear();
  for (const kind of ['locks', 'forecasts'])
    await rm(join(workshop.home.cache, kind), { recursive: true, force: true });
}
