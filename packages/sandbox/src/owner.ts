import { readlinkSync } from 'node:fs';

/** Whose process ids count: two containers may share a folder, and each has a process 1. */
const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';

/** What the names of things begin with that this process has to remove. */
export function ownerTag(): string {
  return `${namespace}-${process.pid}`;
}

/** Whether the process that a name begins with is gone; undefined when that cannot be known from here. */
export function isLeftBehind(name: string): boolean | undefined {
  const [, home, processId] = /^(\d+)-(\d+)-/.exec(name) ?? [];
  if (home === undefined || home !== namespace) return undefined;
  try {
    process.kill(Number(processId), 0);
    return false;
  } catch (thrown) {
    return !(thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM');
  }
}
