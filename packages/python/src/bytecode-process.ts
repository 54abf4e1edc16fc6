import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Interpreter, ModuleSource } from './bytecode.ts';
import { bytecodeEnvironment, bytecodeProgram, bytecodeWords, encodeModules } from './bytecode-exchange.ts';
import { pythonFault } from './fault.ts';

/** Modules that wait for their bytecode, compiled one after the other in one go. */
export type CompileJob = {
  readonly sources: readonly ModuleSource[];
  readonly settle: (bytecode: readonly (Uint8Array | undefined)[]) => void;
  readonly fail: (thrown: unknown) => void;
  /** How many interpreters it has broken. */
  readonly brokenCount: number;
};

const lengthBytes = 4;
/** Enough that the interpreter need not wait for us, little enough that a dead one takes little with it. */
const jobsUnderWay = 2;

/** One interpreter that compiles. It tells by `onIdle` when it can take more, by `onEnd` what it has left undone. */
export class BytecodeProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #interpreter: Interpreter;
  readonly #jobs: CompileJob[] = [];
  readonly #ended: Promise<void>;
  /** What the first job under way has got so far. */
  #answers: (Uint8Array | undefined)[] = [];
  #received: Uint8Array[] = [];
  #receivedBytes = 0;
  #isGreeted = false;

  constructor(
    interpreter: Interpreter,
    events: {
      readonly onIdle: () => void;
      readonly onEnd: (left: readonly CompileJob[], fault: Error | undefined) => void;
    },
  ) {
    this.#interpreter = interpreter;
    const [command = 'python3', ...leading] = interpreter.command;
    // The environment is wiped instead of ignored (-I): hashes must not be random, and an interpreter that was
    // unpacked somewhere needs to be told where it lies.
    this.#child = spawn(command, [...leading, ...bytecodeWords, '-c', bytecodeProgram], {
      cwd: '/',
      env: { ...interpreter.environment, ...bytecodeEnvironment },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let startFault: Error | undefined;
    this.#child.on('error', (thrown) => {
      startFault = this.#fault(thrown.message, thrown);
    });
    // A dead interpreter closes its end; what that means is told by its own end.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.on('data', (chunk: Uint8Array) => {
      this.#received.push(chunk);
      this.#receivedBytes += chunk.length;
      if (this.#takeAnswers()) events.onIdle();
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        const fault = this.#isGreeted ? undefined : (startFault ?? this.#fault(`it ended with code ${code}`));
        events.onEnd(this.#jobs.splice(0), fault);
        resolve();
      });
    });
  }

  get isIdle(): boolean {
    return this.#jobs.length === 0 && this.hasRoom;
  }

  get hasRoom(): boolean {
    return this.#jobs.length < jobsUnderWay && !this.#child.stdin.destroyed;
  }

  start(job: CompileJob): void {
    this.#jobs.push(job);
    for (const bytes of encodeModules(job.sources)) this.#child.stdin.write(bytes);
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  #takeAnswers(): boolean {
    let taken = false;
    for (;;) {
      if (this.#receivedBytes < lengthBytes) return taken;
      const first = this.#received[0];
      if (first === undefined || first.length < lengthBytes) this.#received = [Buffer.concat(this.#received)];
      const head = this.#received[0] ?? new Uint8Array(0);
      const answerBytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength).readUInt32BE(0);
      if (this.#receivedBytes < lengthBytes + answerBytes) return taken;
      const all = this.#received.length === 1 ? head : Buffer.concat(this.#received);
      const rest = all.subarray(lengthBytes + answerBytes);
      this.#received = rest.length === 0 ? [] : [rest];
      this.#receivedBytes = rest.length;
      taken = true;
      this.#accept(all.subarray(lengthBytes, lengthBytes + answerBytes));
    }
  }

  #accept(answer: Uint8Array): void {
    if (this.#isGreeted) {
      this.#answers.push(answer.length === 0 ? undefined : answer);
      const [job] = this.#jobs;
      if (job === undefined || this.#answers.length < job.sources.length) return;
      this.#jobs.shift();
      job.settle(this.#answers);
      this.#answers = [];
      return;
    }
    const version = Buffer.from(answer).toString('latin1');
    if (version === this.#interpreter.pythonVersion) this.#isGreeted = true;
    else this.#child.emit('error', new Error(`it is Python ${version} instead of ${this.#interpreter.pythonVersion}`));
    if (!this.#isGreeted) this.#child.kill('SIGKILL');
  }

  #fault(why: string, cause?: unknown): Error {
    const shown = this.#interpreter.command.join(' ');
    return pythonFault('bytecode/interpreter', {
      what: `The Python that compiles bytecode (${shown}) does not work: ${why}`,
      subject: shown,
      hint: 'Build without bytecode, or clear the cache so that the interpreter is unpacked anew.',
      ...(cause !== undefined && { cause }),
    });
  }
}
