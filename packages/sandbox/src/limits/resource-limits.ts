import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { SandboxLimits } from '../sandbox.ts';

/** What bubblewrap itself needs. */
const fewestOpenFiles = 64;
const lockedBytes = 64 * 1024;
/** Scripts and bubblewrap, whom the namespace above counts. */
const ownProcesses = 8;
/** Since 5.14 processes are counted for each user namespace; before, those of all sandboxes and of the user's desktop together. */
const countedByNamespace = [5, 14] as const;

/** How much scratch there is: it is memory, and no part is larger than the whole. */
export function scratchSizeBytes({ scratchBytes, memoryBytes }: SandboxLimits): number {
  return Math.ceil(Math.min(scratchBytes, memoryBytes));
}

/**
 * The words that start a program within limits for each process. Those for memory and the number of processes are for machines
 * without control groups: they keep back a little more than the limit, so that looking finds who went past it.
 */
export function limitingWords(limits: SandboxLimits, hasGroup: boolean): readonly string[] {
  const cpu = Math.ceil(limits.cpuSeconds);
  const words = [
    `--fsize=${pair(limits.fileBytes)}`,
    `--nofile=${pair(Math.min(Math.max(limits.openFiles, fewestOpenFiles), mostOpenFiles()))}`,
    `--cpu=${cpu}:${cpu + 1}`,
    // A limit of one byte, unlike none, also keeps the machine from handing what crashed to a program of its own (core(5)).
    `--core=${pair(1)}`,
    `--memlock=${pair(lockedBytes)}`,
  ];
  if (hasGroup) return ['prlimit', ...words];
  const countsHere = isAtLeast(countedByNamespace) ? [`--nproc=${pair(limits.processes + ownProcesses)}`] : [];
  return ['prlimit', ...words, `--data=${pair(limits.memoryBytes * 1.25)}`, ...countsHere];
}

function pair(amount: number): string {
  return `${Math.ceil(amount)}:${Math.ceil(amount)}`;
}

/** Only root may raise this. */
function mostOpenFiles(): number {
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard === undefined ? Number.MAX_SAFE_INTEGER : Number(hard);
}

function isAtLeast([major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = release().split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
