import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

/** One timed run. */
export type Measured = {
  readonly wallSeconds: number;
  /** The machine's one-minute load when it began: what else was going on. */
  readonly load: number;
  /** How busy all cores were during the run, from 0 to 1. */
  readonly busy: number;
};

/** Times a piece of work, and looks at the machine beside it. What was written to make ready is on the disk before. */
export async function measure(work: () => Promise<void>): Promise<Measured> {
  await promisify(execFile)('sync');
  const load = Number((await readFile('/proc/loadavg', 'utf8')).split(' ')[0]);
  const busyBefore = await busySeconds();
  const startedAt = performance.now();
  await work();
  const wallSeconds = (performance.now() - startedAt) / 1000;
  const busy = ((await busySeconds()) - busyBefore) / (wallSeconds * availableParallelism());
  return { wallSeconds, load, busy: Math.min(1, busy) };
}

/** Processor time that all processes have used so far (proc(5), /proc/stat: user, nice, system, irq, softirq in hundredths). */
async function busySeconds(): Promise<number> {
  const [first = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = first.split(/\s+/).map(Number);
  return (user + nice + system + irq + softirq) / 100;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = 0, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}
