import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const heartbeatMilliseconds = 5_000;
const staleMilliseconds = 30_000;
const pollMilliseconds = 40;

/**
 * Runs work that no other process with the same folder runs at the same time under the same key.
 *
 * The lock is a file that its holder touches; one whose holder died (no such process on this host, or not touched
 * for half a minute) is taken over. It saves work and guards no data: results are content-addressed, so two holders by
 * mistake cost time, not correctness.
 */
export async function exclusively<Result>(folder: string, key: string, work: () => Promise<Result>): Promise<Result> {
  const path = join(folder, `${createHash('sha256').update(key).digest('hex')}.lock`);
  const identity = JSON.stringify({ host: hostname(), pid: process.pid, id: randomUUID() });
  while (!(await take(path, identity))) {
    await removeIfStale(path);
    await delay(pollMilliseconds);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, heartbeatMilliseconds);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await releaseOwn(path, identity);
  }
}

async function take(path: string, identity: string): Promise<boolean> {
  // A link to a file that is whole: whoever is killed in between leaves no lock that names nobody.
  const aside = `${path}.${randomUUID()}`;
  await writeFile(aside, identity, { flag: 'wx' });
  try {
    await link(aside, path);
    return true;
  } catch (thrown) {
    if (isSystemError(thrown, 'EEXIST')) return false;
    throw thrown;
  } finally {
    await rm(aside, { force: true });
  }
}

async function removeIfStale(path: string): Promise<void> {
  try {
    const [text, facts] = [await readFile(path, 'utf8'), await stat(path)];
    const untouched = Date.now() - facts.mtimeMs > staleMilliseconds;
    if (!untouched && !holderDied(text)) return;
    // Renaming first lets exactly one of several waiters take the dead holder's file away.
    const aside = `${path}.${randomUUID()}`;
    await rename(path, aside);
    // Somebody may have taken over in the meantime: then it was the new holder's file, which goes back.
    if ((await readFile(aside, 'utf8')) !== text) await link(aside, path).catch(() => undefined);
    await rm(aside, { force: true });
  } catch (thrown) {
    if (!isSystemError(thrown, 'ENOENT')) throw thrown;
  }
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

async function releaseOwn(path: string, identity: string): Promise<void> {
  const holder = await readFile(path, 'utf8').catch(() => undefined);
  if (holder === identity) await rm(path, { force: true });
}

function isSystemError(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
