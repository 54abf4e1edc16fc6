import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { databaseFault } from './fault.ts';
import { livenessOf, ownIdentity } from './process-identity.ts';

const heartbeatMilliseconds = 3_000;
/** How long an owner of which nothing else is known is watched. */
const defaultWatchMilliseconds = 12_000;

const ownerFile = z.object({
  pid: z.number().int().positive(),
  startedAt: z.string(),
  boot: z.string(),
  namespace: z.string(),
  host: z.string(),
});

/**
 * Makes this process the only one that may start a PostgreSQL on a directory, until it gives that up or ends.
 *
 * Numbered files, of which the highest names the owner. The next number is made by a link, which only one process can, and the
 * highest is never removed while its owner lives: so of many that find a dead owner, one succeeds it. An owner on another machine or
 * in another container cannot be looked up: it is watched, and succeeded when it does not touch its file for a while.
 *
 * @throws Fault `database/already-running`
 */
export async function becomeOwner(
  directory: string,
  watchMilliseconds = defaultWatchMilliseconds,
): Promise<AsyncDisposable> {
  const folder = join(directory, 'owner');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const aside = join(folder, `aside-${randomUUID()}`);
  await writeFile(aside, JSON.stringify({ ...(await ownIdentity()), host: hostname() }), { flag: 'wx' });
  try {
    const own = await succeed(folder, aside, watchMilliseconds);
    return keep(own);
  } finally {
    await rm(aside, { force: true });
  }
}

async function succeed(folder: string, aside: string, watchMilliseconds: number): Promise<string> {
  for (;;) {
    const numbers = await numbersIn(folder);
    const last = Math.max(0, ...numbers);
    if (last > 0) await assertGone(join(folder, String(last)), watchMilliseconds);
    const own = join(folder, String(last + 1));
    try {
      await link(aside, own);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw thrown;
    }
    // Whoever looked at the folder before an owner came and went has made a number that is not the highest.
    if (Math.max(...(await numbersIn(folder))) !== last + 1) {
      await rm(own, { force: true });
      continue;
    }
    for (const number of numbers) await rm(join(folder, String(number)), { force: true });
    return own;
  }
}

async function numbersIn(folder: string): Promise<readonly number[]> {
  return (await readdir(folder)).filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
}

async function assertGone(path: string, watchMilliseconds: number): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '');
  // Empty: given up. Unreadable: torn when the machine lost power, so its owner is not there either.
  const owner = ownerFile.safeParse(parsed(text));
  if (!owner.success) return;
  const liveness = await livenessOf(owner.data);
  if (liveness === 'dead') return;
  if (liveness === 'unknown' && (await isSilent(path, watchMilliseconds))) return;
  const directory = dirname(dirname(path));
  const where = liveness === 'alive' ? '' : ` on ${owner.data.host}, or in another container`;
  throw databaseFault('database/already-running', {
    what: `A server is already running on ${directory} (pid ${owner.data.pid}${where})`,
    subject: directory,
    hint: 'Stop that one first, or give this one another MIR_HOME.',
  });
}

/** Looks whether the file is touched, by its own clock only: that of another machine may differ from ours. */
async function isSilent(path: string, watchMilliseconds: number): Promise<boolean> {
  const touched = () =>
    stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
  const first = await touched();
  const deadline = performance.now() + watchMilliseconds;
  while (performance.now() < deadline) {
    await delay(Math.min(250, watchMilliseconds / 4));
    const now = await touched();
    if (now === undefined) return true;
    if (now !== first) return false;
  }
  return true;
}

function keep(own: string): AsyncDisposable {
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(own, now, now).catch(() => undefined);
  }, heartbeatMilliseconds);
  heartbeat.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(heartbeat);
      // Emptied, not removed: the highest number has to stay.
      await truncate(own, 0).catch(() => undefined);
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
