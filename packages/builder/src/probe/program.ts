import { readFile } from 'node:fs/promises';
import type { Sandbox, SandboxEnd, SandboxImage, SandboxLimits, SandboxRun } from '@mir/sandbox';
import { labels } from '../image/contract.ts';
import { venvPrefix } from '../layers/venv-layer.ts';
import { cleaned } from './claims.ts';
import type { ProbeLimits } from './probe-report.ts';

/** The interpreter of the environment. */
export const probedPython = `/${venvPrefix}/bin/python`;

/** Everything that the program may say; an inventory of a thousand distributions has a twentieth of it. */
const mostBytes = 32 << 20;
const keptBytes = 8 << 10;

/** What was printed, and how it ended. */
export type Printed = {
  readonly lines: readonly string[];
  /** The end of both streams, as they came. */
  readonly tail: string;
  readonly end: SandboxEnd;
};

/** Where a program of ours runs, and until when. */
export type ProgramRoom = {
  readonly sandbox: Sandbox;
  readonly image: SandboxImage;
  readonly limits: ProbeLimits;
  /** What is left for everything, in seconds. */
  readonly secondsLeft: () => number;
};

/**
 * Runs the program in the interpreter of an image's base, without anything that the environment would have it run first: a package can
 * put anything into the environment, and nothing elsewhere.
 */
export async function runProgram(
  { sandbox, image, limits, secondsLeft }: ProgramRoom,
  mode: 'inventory' | 'imports',
  order: unknown,
): Promise<Printed> {
  const program = await readFile(new URL('./probe.py', import.meta.url), 'utf8');
  const run = await sandbox.run({
    image,
    command: [basePython(image), '-I', '-S', '-B', '-c', program, mode, `/${venvPrefix}`],
    environment,
    standardInput: Buffer.from(JSON.stringify(order)),
    limits: sandboxLimits(limits, Math.max(1, secondsLeft())),
  });
  return printedBy(run);
}

function basePython({ image }: SandboxImage): string {
  const path = image.config.config?.Labels?.[labels.pythonPath];
  return path?.startsWith('/') === true ? path : probedPython;
}

/** Whoever has no entry in /etc/passwd needs to be told who and where they are. */
export const environment = { HOME: '/work', USER: 'user', LOGNAME: 'user' } as const;

const scratchBytes = 512 << 20;

/**
 * Limits for the program and one import at a time: more than the import's by what the program takes and by all of scratch, which is
 * memory too, so that the program is there to say which one it was.
 */
export function sandboxLimits(limits: ProbeLimits, wallSeconds: number): SandboxLimits {
  const seconds = Math.ceil(wallSeconds);
  return {
    wallSeconds: seconds,
    cpuSeconds: seconds * 8,
    memoryBytes: limits.memoryBytes + (256 << 20) + scratchBytes,
    processes: limits.processes + 64,
    openFiles: 4096,
    fileBytes: 512 << 20,
    scratchBytes,
    outputBytes: mostBytes,
  };
}

/** Reads a run to its end. */
export async function printedBy(run: SandboxRun): Promise<Printed> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  let tail = Buffer.alloc(0);
  for await (const { stream, bytes } of run.output) {
    tail = Buffer.concat([tail, bytes]).subarray(-keptBytes);
    if (stream !== 'stdout' || sizeBytes > mostBytes) continue;
    sizeBytes += bytes.length;
    parts.push(Uint8Array.from(bytes));
  }
  const text = Buffer.concat(parts).toString();
  // What has no line end is not whole.
  return { lines: text.split('\n').slice(0, -1), tail: cleaned(tail.toString()), end: await run.ended };
}
