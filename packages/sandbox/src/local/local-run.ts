import { closeSync, constants as fileFlags, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { saidBy } from '../fault.ts';
import type { Identities } from '../identities.ts';
import type { SandboxEnd, SandboxLimit, SandboxOrder, SandboxRun } from '../sandbox.ts';
import { bubblewrapArguments, ownerOf } from './bubblewrap.ts';
import { inheritedFiles } from './inherited-files.ts';
import { launchWords } from './launch-script.ts';
import { Output } from './output.ts';
import { runProgram } from './program.ts';
import { cannotMake } from './requirements.ts';
import { type TakenResults, takeResults } from './results.ts';
import type { RunFolder } from './run-folder.ts';
import type { RunPlan } from './run-plan.ts';
import { Supervisor } from './supervisor.ts';

/** All that a run needs. */
export type RunParts = {
  readonly order: SandboxOrder;
  readonly plan: RunPlan;
  readonly folder: RunFolder;
  /** Of the layers, uppermost first, from the folder in which they are linked. */
  readonly names: readonly string[];
  readonly identities: Identities;
  readonly environment: NodeJS.ProcessEnv;
};

/** Starts a run, whose folder is removed in the end. @throws Fault `sandbox/unavailable` */
export async function startRun(parts: RunParts): Promise<SandboxRun> {
  const { order, plan, folder, names, identities, environment } = parts;
  const pipes = await outputPipes(environment);
  const opened = [pipes.stdoutWriter, pipes.stderrWriter];
  try {
    const isRoot = order.identity === 'root';
    const words = bubblewrapArguments(order, plan, false);
    const argumentsFile = openSync(await folder.write('arguments', words), 'r');
    const nothing = openSync('/dev/null', 'r');
    opened.push(argumentsFile, nothing);
    const scratch = `size=${Math.ceil(order.limits.scratchBytes)},mode=0755,nosuid,nodev`;
    const upper = isRoot ? ',upperdir=/tmp/upper,workdir=/tmp/overlay' : ',ro';
    const isMany = identities.count > 1;
    const launch = launchWords({
      processId: process.pid,
      dropping: isMany ? ['--reuid', String(identities.uid), '--regid', String(identities.gid), '--clear-groups'] : [],
      becoming: isMany && !isRoot ? ['--reuid', '1000', '--regid', '1000', '--clear-groups'] : [],
      scratchOptions: scratch,
      overlayOptions: `lowerdir=${names.join(':')}${upper},userxattr,nosuid,nodev`,
      owner: ownerOf(order, identities),
      limiting: [],
      command: ['bwrap', '--args', '4', '--', ...order.command],
    });
    const files: (number | 'pipe' | 'ignore')[] = [
      order.standardInput === undefined ? 'ignore' : 'pipe',
      ...([
        pipes.stdoutWriter,
        'pipe',
        'pipe',
        argumentsFile,
        nothing,
        'pipe',
        'pipe',
        pipes.stderrWriter,
        'pipe',
      ] as const),
    ];
    for (const file of inheritedFiles()) {
      while (files.length <= file) files.push('ignore');
      if (files[file] === 'ignore' && file > 9) files[file] = nothing;
    }
    const supervisor = new Supervisor(launch, {
      folder: join(folder.path, 'layers'),
      environment: { PATH: environment['PATH'], LC_ALL: 'C', LIBMOUNT_FORCE_MOUNT2: 'always' },
      files,
      complaint: () => waitingIn(pipes.stderr),
    });
    await supervisor.prepare(identities);
    return new LocalRun(parts, supervisor, pipes);
  } catch (thrown) {
    for (const file of [pipes.stdout, pipes.stderr]) closeSync(file);
    throw thrown;
  } finally {
    for (const file of opened) closeSync(file);
  }
}

type Ending = SandboxLimit | 'stopped';

class LocalRun implements SandboxRun {
  readonly output: Output;
  readonly ended: Promise<SandboxEnd>;
  readonly #order: SandboxOrder;
  readonly #parts: RunParts;
  readonly #supervisor: Supervisor;
  #ending: Ending | undefined;

  constructor(parts: RunParts, supervisor: Supervisor, pipes: { readonly stdout: number; readonly stderr: number }) {
    this.#parts = parts;
    this.#order = parts.order;
    this.#supervisor = supervisor;
    const { command, limits } = parts.order;
    this.output = new Output(pipes, command[0] ?? '', limits.outputBytes, () => this.#endBy('output'));
    this.ended = this.#run();
    // Who reads the output first must not fall over an end that nobody waits for yet.
    this.ended.catch(() => undefined);
  }

  stop(): void {
    this.#endBy('stopped');
  }

  /** The first reason counts. */
  #endBy(ending: Ending): void {
    this.#ending ??= ending;
    this.#supervisor.kill();
  }

  async #run(): Promise<SandboxEnd> {
    const supervisor = this.#supervisor;
    try {
      const begun = performance.now();
      const wall = setTimeout(
        () => this.#endBy('wall-time'),
        Math.min(this.#order.limits.wallSeconds * 1000, 2 ** 31 - 1),
      );
      if (this.#order.standardInput !== undefined) {
        supervisor.input.on('error', () => undefined);
        supervisor.input.end(this.#order.standardInput);
      }
      supervisor.begin();
      await supervisor.finished().finally(() => clearTimeout(wall));
      const wallSeconds = (performance.now() - begun) / 1000;
      const ending = this.#ending;
      const outcome = ending === undefined ? await this.#outcome() : endedBy(ending);
      const taken = await this.#takeResults();
      return {
        outcome: taken.isTooMuch && ending === undefined ? endedBy('results') : outcome,
        wallSeconds,
        cpuSeconds: undefined,
        peakMemoryBytes: undefined,
        leftOut: taken.leftOut,
      };
    } finally {
      await supervisor.destroy();
      await this.#parts.folder[Symbol.asyncDispose]();
    }
  }

  async #outcome(): Promise<SandboxEnd['outcome']> {
    const { exitCode } = this.#supervisor;
    if (exitCode !== undefined) return statusOutcome(exitCode);
    // The command never began: bubblewrap says why, before anybody else could say anything.
    await this.output.closed();
    if (this.output.isRefusal) return { kind: 'exited', status: 127 };
    throw cannotMake(this.output.beginning.trim(), this.#parts.environment);
  }

  async #takeResults(): Promise<TakenResults> {
    const { results } = this.#order;
    const { results: place } = this.#parts.plan;
    const none = { leftOut: [], isTooMuch: false };
    if (results === undefined || place === undefined) return none;
    this.#supervisor.take(place.archived);
    return await takeResults(this.#supervisor.archive, place.prefix, results);
  }
}

function endedBy(ending: Ending): SandboxEnd['outcome'] {
  return ending === 'stopped' ? { kind: 'stopped' } : { kind: 'limit', limit: ending };
}

/** bubblewrap says what a shell would say: a signal is a status above 128. */
function statusOutcome(status: number): SandboxEnd['outcome'] {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
  return signal === undefined ? { kind: 'exited', status } : { kind: 'signalled', signal };
}

/** What waits to be read in a pipe, as far as it says why something failed. */
function waitingIn(pipe: number): string {
  const buffer = Buffer.alloc(2000);
  try {
    return buffer.toString('utf8', 0, readSync(pipe, buffer)).trim();
  } catch {
    // Nothing waits.
    return '';
  }
}

/**
 * Two pipes with names: what Node makes by itself are sockets, which no program can open as `/dev/stdout`. The command may see
 * the path that they once had, so it tells nothing.
 */
async function outputPipes(environment: NodeJS.ProcessEnv) {
  const folder = mkdtempSync(join(tmpdir(), 'mir-'));
  try {
    const paths = [join(folder, 'stdout'), join(folder, 'stderr')] as const;
    await runProgram('mkfifo', ['-m', '666', ...paths], { PATH: environment['PATH'] }).catch((thrown: unknown) => {
      throw cannotMake(saidBy(thrown), environment);
    });
    const [stdout, stderr] = paths.map((path) => openSync(path, fileFlags.O_RDONLY | fileFlags.O_NONBLOCK));
    // A writer is opened blocking: it is the command's, and there is a reader already.
    const [stdoutWriter, stderrWriter] = paths.map((path) => openSync(path, fileFlags.O_WRONLY));
    return { stdout, stderr, stdoutWriter, stderrWriter } as Record<
      'stdout' | 'stderr' | 'stdoutWriter' | 'stderrWriter',
      number
    >;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
