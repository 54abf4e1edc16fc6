import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  findUv,
  formatLock,
  formatRequirement,
  type IndexSettings,
  type Interpreter,
  indexSettingsOfMachine,
  type Lock,
  parseLock,
  type Requirement,
  resolve,
  type Target,
  uvVersion,
} from '@mir/python';
import type { Workshop } from '../workshop.ts';
import { pythonForUv } from './host-python.ts';

/** Index metadata may be this old when something is resolved. */
const maximalAgeMilliseconds = 10 * 60 * 1000;

/** What to resolve. */
export type Wish = {
  readonly requirements: readonly Requirement[];
  readonly constraints: readonly Requirement[];
  readonly target: Target;
  /** The base's Python, for a host that has none of its own. */
  readonly interpreter: () => Promise<Interpreter | undefined>;
};

/**
 * Resolves requirements to a lock. The same wish within ten minutes has the same answer without asking the index again.
 *
 * @throws Fault `resolution/*`, `uv/*`
 */
export async function resolveLock(workshop: Workshop, wish: Wish): Promise<Lock> {
  if (wish.requirements.length === 0) return { target: wish.target, packages: [], createdBy: `uv ${uvVersion}` };
  const index = await indexSettingsOfMachine(workshop.environment);
  const path = join(workshop.home.cache, 'locks', `${keyOf(wish, index)}.toml`);
  const known = await readRecent(path, workshop.now(), wish.target);
  if (known !== undefined) return known;
  const { requirements, constraints, target } = wish;
  // What has not been resolved lately is likely to bring something new.
  workshop.pool.warm();
  const lock = await workshop.stage('resolve', async () => {
    const interpreter = await pythonForUv(workshop, wish.interpreter);
    return resolve({
      requirements,
      constraints,
      target,
      ...(interpreter !== undefined && { interpreter }),
      index,
      uv: await findUv({ cacheDirectory: workshop.home.cache, environment: workshop.environment }),
      cacheDirectory: join(workshop.home.cache, 'uv'),
    });
  });
  await keep(path, lock);
  return lock;
}

function keyOf(wish: Wish, index: IndexSettings): string {
  const { pythonVersion, architecture, libc } = wish.target;
  const parts = [
    uvVersion,
    `${pythonVersion} ${architecture} ${libc.family} ${libc.version}`,
    index.indexUrl ?? '',
    ...(index.extraIndexUrls ?? []),
    'requirements',
    ...wish.requirements.map((one) => [formatRequirement(one), ...(one.hashes ?? [])].join(' ')),
    'constraints',
    ...wish.constraints.map(formatRequirement),
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

async function readRecent(path: string, now: Date, target: Target): Promise<Lock | undefined> {
  try {
    const age = now.getTime() - (await stat(path)).mtimeMs;
    return age >= 0 && age < maximalAgeMilliseconds ? parseLock(await readFile(path, 'utf8'), target) : undefined;
  } catch {
    // Not there, or not readable: the index knows.
    return undefined;
  }
}

async function keep(path: string, lock: Lock): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const aside = `${path}.${randomUUID()}`;
  await writeFile(aside, formatLock(lock, { addresses: true }), { mode: 0o600 });
  await rename(aside, path);
}

/** Drops what was resolved lately: a file was not what the index had said of it, so that the index is to be asked again. */
export async function forgetResolutions(workshop: Workshop): Promise<void> {
  await rm(join(workshop.home.cache, 'locks'), { recursive: true, force: true });
}
