import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const heartbeatMilliseconds = 5_000;
const staleMilliseconds = 30_000;
const pollMilliseconds = 40;
const unusedMilliseconds = 3_600_000;

/**
 * Runs work that no other process with the same folder runs at the same time under the same key.
 *
 * A lock is a folder of numbered files. The highest number is the lock: it names its holder, who touches it, or is empty when it is
 * free. Whoever finds it free, or its holder dead (no such process on this host, or not touched for half a minute), makes the
 * next number by a link, which only one can; the highest is never removed, so nobody takes what another has taken over meanwhile.
 * A holder that was thought dead by mistake costs time, not correctness: results are content-addressed.
 */
export async function exclusively<Result>(folder: string, key: string, work: () => Promise<Result>): Promise<Result> {
  const lock = join(folder, createHash('sha256').update(key).digest('hex'));
  const held = await take(lock);
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(held, now, now).catch(() => undefined);
  }, heartbeatMilliseconds);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    // A disk that is full by now has room for less. What was taken over meanwhile, by mistake, is not there any more.
    await truncate(held, 0).catch(() => undefined);
  }
}

/** Removes locks that nobody has used for an hour. */
export async function sweepLocks(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const names = await readdir(path).catch(() => []);
    const ages = [path, ...names.map((one) => join(path, one))].map(async (one) => Date.now() - (await touched(one)));
    if (Math.min(...(await Promise.all(ages))) > unusedMilliseconds) await rm(path, { recursive: true, force: true });
  }
}

/** Waits for a lock and takes it; gives the file that says so. */
async function take(lock: string): Promise<string> {
  const identity = JSON.stringify({ host: hostname(), pid: process.pid });
  for (;;) {
    const last = await lastNumber(lock);
    if (last > 0 && !(await canBeTaken(join(lock, String(last))))) {
      await delay(pollMilliseconds);
      continue;
    }
    const own = join(lock, String(last + 1));
    if (!(await writeOnce(lock, own, identity))) continue;
    // What was free a moment ago may have been taken, freed and tidied away since: then there is a higher number.
    if ((await lastNumber(lock)) === last + 1) {
      await tidy(lock, last);
      return own;
    }
    await rm(own, { force: true });
  }
}

async function lastNumber(lock: string): Promise<number> {
  const names = await readdir(lock).catch(() => []);
  return Math.max(0, ...names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number));
}

/** Makes a file that appears whole, unless it is there. */
async function writeOnce(lock: string, path: string, text: string): Promise<boolean> {
  await mkdir(lock, { recursive: true });
  const aside = join(lock, randomUUID());
  try {
    await writeFile(aside, text, { flag: 'wx' });
    await link(aside, path);
    return true;
  } catch (thrown) {
    // ENOENT: the folder was swept at this very moment.
    if (isSystemError(thrown, 'EEXIST') || isSystemError(thrown, 'ENOENT')) return false;
    throw thrown;
  } finally {
    await rm(aside, { force: true });
  }
}

async function tidy(lock: string, last: number): Promise<void> {
  for (const name of await readdir(lock)) {
    if (/^\d+$/.test(name) && Number(name) <= last) await rm(join(lock, name), { force: true });
  }
}

async function canBeTaken(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  // Gone: somebody has taken the next one, and the next look finds it.
  if (text === undefined) return true;
  return text === '' || holderDied(text) || Date.now() - (await touched(path)) > staleMilliseconds;
}

function holderDied(text: string): boolean {
  try {
    const holder: unknown = JSON.parse(text);
    if (typeof holder !== 'object' || holder === null || !('host' in holder) || !('pid' in holder)) return false;
    if (holder.host !== hostname() || typeof holder.pid !== 'number') return false;
    process.kill(holder.pid, 0);
    return false;
  } catch (thrown) {
    return isSystemError(thrown, 'ESRCH');
  }
}

async function touched(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
}

function isSystemError(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
