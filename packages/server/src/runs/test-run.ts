import type { SandboxEnd } from '@mir/sandbox';

/** How a test run ended: what the sandbox says of it, and what was left behind of its files. */
export type RunOutcome = SandboxEnd;

/** The limits of every test run that nobody chooses. */
export const runLimits = {
  processes: 512,
  openFiles: 4096,
  /** /work, /tmp and the results together: a part of the memory that the run has, and never more than that. */
  scratchBytes: 2 * 1024 ** 3,
  outputBytes: 16 * 1024 ** 2,
  /** Files of an upload, and of what a run leaves. */
  files: 5000,
  /** Processor seconds for each second of time: runs may use several cores. */
  coresAtMost: 8,
} as const;

/** Where a run finds what is given to it, and leaves what is to come back. */
export const runFolders = { work: '/work', results: '/output' } as const;
