import { constants } from 'node:os';
import type { Accounting } from '../limits/usage.ts';
import { Watch } from '../limits/watch.ts';
import type { HostProxy } from '../network/host-proxy.ts';
import type { SandboxEnd, SandboxLimit, SandboxOrder, SandboxRun } from '../sandbox.ts';
import { Output } from './output.ts';
import type { OutputPipes } from './output-pipes.ts';
import { cannotMake } from './requirements.ts';
import { socketsNamedIn, type TakenResults, takeResults } from './results.ts';
import type { RunFolder } from './run-folder.ts';
import type { RunPlan } from './run-plan.ts';
import type { Supervisor } from './supervisor.ts';

/** A sandbox that waits for the word to begin, and what it was made of. */
export type LocalRunParts = {
  readonly order: SandboxOrder;
  readonly plan: RunPlan;
  readonly folder: RunFolder;
  readonly supervisor: Supervisor;
  readonly accounting: Accounting;
  readonly proxy: HostProxy | undefined;
  readonly pipes: OutputPipes;
  readonly environment: NodeJS.ProcessEnv;
};

type Ending = SandboxLimit | 'stopped';

/** A command that runs, and what it needs until it has ended. */
export class LocalRun implements SandboxRun {
  readonly output: Output;
  readonly ended: Promise<SandboxEnd>;
  readonly #order: SandboxOrder;
  readonly #parts: LocalRunParts;
  readonly #supervisor: Supervisor;
  #ending: Ending | undefined;
  /** What kept its limits from being watched. */
  #failure: { readonly thrown: unknown } | undefined;

  constructor(parts: LocalRunParts) {
    this.#parts = parts;
    this.#order = parts.order;
    this.#supervisor = parts.supervisor;
    const { command, limits } = parts.order;
    this.output = new Output(parts.pipes, command[0] ?? '', limits.outputBytes, () => this.#endBy('output'));
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
    const { supervisor, accounting, proxy, folder } = this.#parts;
    const begun = performance.now();
    const watch = new Watch(accounting, this.#order.limits, {
      exceeded: (limit) => this.#endBy(limit),
      lost: (thrown) => {
        this.#failure = { thrown };
        this.#supervisor.kill();
      },
    });
    try {
      if (this.#order.standardInput !== undefined) {
        supervisor.input.on('error', () => undefined);
        supervisor.input.end(this.#order.standardInput);
      }
      supervisor.begin();
      await supervisor.finished().finally(() => {
        watch.stop();
        proxy?.close();
      });
      const wallSeconds = (performance.now() - begun) / 1000;
      const outcome = await this.#outcome();
      const taken = await this.#takeResults();
      return {
        outcome: taken.isTooMuch && this.#ending === undefined ? endedBy('results') : outcome,
        wallSeconds,
        cpuSeconds: watch.cpuSeconds,
        peakMemoryBytes: watch.peakMemoryBytes,
        leftOut: taken.leftOut,
      };
    } finally {
      await supervisor.destroy();
      await accounting.close();
      await folder[Symbol.asyncDispose]();
    }
  }

  async #outcome(): Promise<SandboxEnd['outcome']> {
    if (this.#failure !== undefined) throw this.#failure.thrown;
    if (this.#ending !== undefined) return endedBy(this.#ending);
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
    const taken = await takeResults(this.#supervisor.archive, place.prefix, results);
    if (taken.isTooMuch) return taken;
    const sockets = socketsNamedIn(await this.#supervisor.complaint(), place.prefix);
    return { ...taken, leftOut: [...taken.leftOut, ...sockets] };
  }
}

function endedBy(ending: Ending): SandboxEnd['outcome'] {
  return ending === 'stopped' ? { kind: 'stopped' } : { kind: 'limit', limit: ending };
}

/** bubblewrap says what a shell would say: a signal is a status above 128. */
function statusOutcome(status: number): SandboxEnd['outcome'] {
  if (status === 128 + constants.signals.SIGXCPU) return endedBy('cpu-time');
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
  return signal === undefined ? { kind: 'exited', status } : { kind: 'signalled', signal };
}
