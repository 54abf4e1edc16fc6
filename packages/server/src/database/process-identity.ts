import { readFile, readlink } from 'node:fs/promises';

/** What tells a process from every other one, also from a later one that got the same number. */
export type ProcessIdentity = {
  readonly pid: number;
  /** When it was started, in ticks since the machine started. */
  readonly startedAt: string;
  readonly boot: string;
  /** The namespace in which the number is valid: a container has its own. */
  readonly namespace: string;
};

/** Which start of the machine this is. */
export async function bootIdentity(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** Who we are. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const [startedAt, boot, namespace] = await Promise.all([startOf(process.pid), bootIdentity(), pidNamespace()]);
  return { pid: process.pid, startedAt: startedAt ?? '', boot, namespace };
}

/** Whether a process still runs; `unknown` when it is of another machine or container, or of an earlier start of this one. */
export async function livenessOf(identity: ProcessIdentity): Promise<'alive' | 'dead' | 'unknown'> {
  const [boot, namespace] = await Promise.all([bootIdentity(), pidNamespace()]);
  if (identity.boot !== boot || identity.namespace !== namespace) return 'unknown';
  return (await startOf(identity.pid)) === identity.startedAt ? 'alive' : 'dead';
}

/** When a process was started; nothing when there is none, or only its remains that nobody has waited for. */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name of the program stands in parentheses and may hold anything, also parentheses and spaces.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function pidNamespace(): Promise<string> {
  return readlink('/proc/self/ns/pid');
}
