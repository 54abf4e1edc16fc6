import { readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { databaseFault } from './fault.ts';

/** How long each kind of stopping is given before the next, harsher one. */
const patienceMilliseconds = { SIGINT: 30_000, SIGQUIT: 5_000, SIGKILL: 5_000 } as const;

/**
 * Stops what an earlier, killed owner of a data folder has left running on it: a whole PostgreSQL, or single processes of one. Only
 * for the owner of the directory.
 *
 * A process is one of them when its program is a `postgres` and it works *in* that very folder, as every process of PostgreSQL
 * does in its data folder; a number in a file proves nothing.
 *
 * @throws Fault `database/already-running` when one does not end
 */
export async function stopLeftProcesses(data: string): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    const deadline = performance.now() + patienceMilliseconds[signal];
    const signalled = new Set<number>();
    while (performance.now() < deadline) {
      const found = await processesIn(data);
      if (found.length === 0) {
        // What it says is no longer true, and its number may by now be that of somebody whom PostgreSQL would then wait for.
        await rm(join(data, 'postmaster.pid'), { force: true });
        return;
      }
      const main = await mainProcess(data);
      const hasMain = main !== undefined && found.includes(main);
      // To those without a main process the gentlest signal only says to end what they are doing, not to end.
      if (signal === 'SIGINT' && !hasMain) break;
      // The main process tells the others, as long as there is one to tell them.
      for (const pid of signal !== 'SIGKILL' && hasMain ? [main] : found) {
        if (!signalled.has(pid)) kill(pid, signal);
        signalled.add(pid);
      }
      await delay(20);
    }
  }
  const left = await processesIn(data);
  if (left.length === 0) return;
  throw databaseFault('database/already-running', {
    what: `A PostgreSQL still runs on ${data} and does not end (pid ${left.join(', ')})`,
    subject: data,
    hint: 'End these processes, then start again.',
  });
}

async function processesIn(data: string): Promise<readonly number[]> {
  const folder = await stat(data).catch(() => undefined);
  if (folder === undefined) return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const checked = await Promise.all(
    pids.map(async (pid) => {
      const place = await stat(`/proc/${pid}/cwd`).catch(() => undefined);
      if (place?.ino !== folder.ino || place.dev !== folder.dev) return undefined;
      const program = await readlink(`/proc/${pid}/exe`).catch(() => '');
      return /\/postgres( \(deleted\))?$/.test(program) ? pid : undefined;
    }),
  );
  return checked.filter((pid) => pid !== undefined);
}

async function mainProcess(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself; whatever else is wrong shows when it does not end.
  }
}
