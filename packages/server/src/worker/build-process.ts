import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import type { LayerKey, LayerRecord, ProbeReport, ProgressEvent, RecordStore } from '@mir/builder';
import { Fault, type FaultData } from '@mir/core';
import type { Suite } from '@mir/debian';
import type { BuildResult } from '../images/completion.ts';
import type { BuildersAccess } from '../registry/image-registry.ts';
import { buildEnvironment } from './build-environment.ts';
import type { BuildOrder, BuildTarget, PlanResult, ProcessMessage, WorkerMessage } from './build-message.ts';
import { registryAnswer } from './registry-answers.ts';
import type { RunOrder, RunResult } from './run-message.ts';
import type { OutputListener } from './sandboxed-run.ts';

const program = new URL(`./build-program${extname(import.meta.url)}`, import.meta.url);

/** What happens while a build process works. */
export type BuildListener = {
  /** Whether a person waits for it. */
  readonly isUrgent?: boolean;
  readonly onProgress: (event: ProgressEvent) => void;
  readonly onLog: (text: string) => void;
  readonly onProbed?: (reports: readonly ProbeReport[]) => void;
  readonly onOutput?: OutputListener;
  readonly onPinned?: (digest: string) => void;
};

type Waiting = { readonly resolve: (answer: Answer) => void; readonly reject: (thrown: unknown) => void };

type Answer = Exclude<
  ProcessMessage,
  {
    type:
      | 'read-record'
      | 'write-record'
      | 'registry-question'
      | 'delivered'
      | 'progress'
      | 'log'
      | 'output'
      | 'pinned'
      | 'probed';
  }
>;

type Delivering = { readonly resolve: () => void; readonly reject: (thrown: unknown) => void };

/**
 * A process that builds and plans, one thing after the other, kept for the next one. It can be killed at any moment: that is how
 * builds are cancelled, broken off at their deadline, and put aside for more urgent ones.
 */
export class BuildProcess {
  readonly #records: RecordStore;
  readonly #access: BuildersAccess;
  readonly #environment: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  /** Ends what the process waits for when it has gone. */
  #gone = new AbortController();
  #listener: BuildListener | undefined;
  #answer: Waiting | undefined;
  readonly #deliveries = new Map<number, Delivering>();
  #nextDelivery = 1;
  #killedBecause: unknown;

  constructor(records: RecordStore, environment: NodeJS.ProcessEnv, access: BuildersAccess) {
    this.#records = records;
    this.#access = access;
    this.#environment = buildEnvironment(environment, access.layerPool);
  }

  /** Builds an image and puts it to its first destination. @throws Fault of the build; whatever {@link kill} was given */
  async build(order: BuildOrder, target: BuildTarget, listener: BuildListener): Promise<BuildResult> {
    const answer = await this.#ask({ type: 'build', order, target }, listener);
    if (answer.type !== 'built') throw new TypeError(`a build answered "${answer.type}"`);
    return answer.result;
  }

  /**
   * Puts the image that was built to another destination; several may be under way at once.
   *
   * @throws Fault of the registry; whatever {@link kill} was given, since the image was built
   */
  async deliver(target: BuildTarget, listener: BuildListener): Promise<void> {
    const child = this.#child;
    // It was killed while nothing was asked of it: another process would know of no image, and never answer.
    if (child === undefined || child.killed) throw this.#killedBecause ?? machineryFault(undefined);
    this.#listener = listener;
    const id = this.#nextDelivery;
    this.#nextDelivery += 1;
    await new Promise<void>((resolve, reject) => {
      this.#deliveries.set(id, { resolve, reject });
      child.send({ type: 'deliver', id, target } satisfies WorkerMessage, (error) => {
        if (error !== null) this.#end(child, error);
      });
    });
  }

  /** Says that nothing more is wanted of the image that was built. */
  finish(): void {
    this.#child?.send({ type: 'done' } satisfies WorkerMessage);
  }

  /** Says what a build would do. @throws Fault of the plan */
  async plan(order: BuildOrder, listener: BuildListener): Promise<PlanResult> {
    const answer = await this.#ask({ type: 'plan', order }, listener);
    if (answer.type !== 'planned') throw new TypeError(`a plan answered "${answer.type}"`);
    return answer.result;
  }

  /** The names of all OS packages of a Debian release. @throws Fault of the archive */
  async catalogue(suite: Suite, listener: BuildListener): Promise<readonly string[]> {
    const answer = await this.#ask({ type: 'catalogue', suite }, listener);
    if (answer.type !== 'catalogued') throw new TypeError(`a catalogue answered "${answer.type}"`);
    return answer.names;
  }

  /** Runs a command in an image. @throws Fault of the image, of the sandbox; whatever {@link kill} was given */
  async run(order: RunOrder, listener: BuildListener): Promise<RunResult> {
    const answer = await this.#ask({ type: 'run', order }, listener);
    if (answer.type !== 'ran') throw new TypeError(`a run answered "${answer.type}"`);
    return answer.result;
  }

  /** A job begins: what ended the one before is no concern of it. */
  begin(): void {
    this.#killedBecause = undefined;
  }

  /** For a job that has nothing asked of the process at the moment, and is to end all the same. @throws what {@link kill} was given */
  throwIfKilled(): void {
    if (this.#killedBecause !== undefined) throw this.#killedBecause;
  }

  /** Ends the process at once; what it was doing ends with the given fault. */
  kill(because?: unknown): void {
    this.#killedBecause = because;
    this.#gone.abort();
    this.#child?.kill('SIGKILL');
  }

  #ask(message: WorkerMessage, listener: BuildListener): Promise<Answer> {
    // One that was killed when it had just answered is still there for a moment, and its end is not about this.
    const child = this.#child === undefined || this.#child.killed ? this.#start() : this.#child;
    this.#listener = listener;
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      child.send(message, (error) => {
        if (error !== null) this.#end(child, error);
      });
    });
  }

  #start(): ChildProcess {
    this.#killedBecause = undefined;
    const child = fork(program, {
      env: this.#environment,
      execArgv: ['--max-semi-space-size=2', '--expose-gc'],
      // What it prints is the worker's log, not anybody's answer.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (message: ProcessMessage) => this.#take(child, message));
    child.on('error', (error) => this.#end(child, error));
    child.on('exit', () => this.#end(child, undefined));
    // An idle build process must not keep its worker from ending.
    child.unref();
    child.channel?.unref();
    this.#child = child;
    this.#gone = new AbortController();
    child.send({ type: 'registry', notes: this.#access.notes } satisfies WorkerMessage, () => undefined);
    return child;
  }

  #take(child: ChildProcess, message: ProcessMessage): void {
    if (this.#child !== child) return;
    if (message.type === 'read-record') {
      void this.#answerRecord(child, message.id, () => this.#records.read(message.key as unknown as LayerKey));
    } else if (message.type === 'write-record') {
      void this.#answerRecord(child, message.id, () =>
        this.#records.write(message.key as unknown as LayerKey, message.record as LayerRecord),
      );
    } else if (message.type === 'registry-question') {
      const { id, question } = message;
      const isUrgent = this.#listener?.isUrgent ?? true;
      void registryAnswer(this.#access, question, isUrgent, this.#gone.signal).then((answer) =>
        child.send({ type: 'registry-answer', id, answer } satisfies WorkerMessage, () => undefined),
      );
    } else if (message.type === 'progress') this.#listener?.onProgress(message.event);
    else if (message.type === 'log') this.#listener?.onLog(message.text);
    else if (message.type === 'output') this.#listener?.onOutput?.(message.stream, message.text);
    else if (message.type === 'probed') this.#listener?.onProbed?.(message.reports);
    else if (message.type === 'pinned') this.#listener?.onPinned?.(message.digest);
    else if (message.type === 'delivered') this.#settleDelivery(message.id, message.fault);
    else if (message.type === 'failed') this.#settle(({ reject }) => reject(Fault.from(message.fault)));
    else this.#settle(({ resolve }) => resolve(message));
  }

  async #answerRecord(child: ChildProcess, id: number, work: () => Promise<unknown>): Promise<void> {
    try {
      const record = (await work()) ?? null;
      child.send({ type: 'record', id, record } satisfies WorkerMessage, () => undefined);
    } catch (thrown) {
      // Without its records no build goes on; the job is tried again when the database is back.
      this.#killedBecause ??= thrown;
      child.kill('SIGKILL');
    }
  }

  #end(child: ChildProcess, error: Error | undefined): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#gone.abort();
    const because = this.#killedBecause ?? machineryFault(error);
    this.#settle(({ reject }) => reject(because));
    for (const { reject } of this.#deliveries.values()) reject(because);
    this.#deliveries.clear();
  }

  #settleDelivery(id: number, fault: FaultData | undefined): void {
    const delivering = this.#deliveries.get(id);
    this.#deliveries.delete(id);
    if (fault === undefined) delivering?.resolve();
    else delivering?.reject(Fault.from(fault));
  }

  #settle(how: (answer: Waiting) => void): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer !== undefined) how(answer);
  }
}

function machineryFault(error: Error | undefined): Fault {
  return new Fault('job/machinery', {
    what: `The process that did it ended unexpectedly${error === undefined ? '' : `: ${error.message}`}`,
    hint: 'It is tried again; if it stays, look whether the machine has run out of memory.',
    cause: error,
  });
}
