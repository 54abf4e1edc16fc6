import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Fault } from '@mir/core';
import type { Conversion, ConversionThreadOptions, Converted } from './conversion.ts';
import type { ThreadAnswer } from './conversion-thread.ts';
import type { Converter } from './converter.ts';

type Task = {
  readonly conversion: Conversion;
  /** Bigger work first, so that no thread is left with a big one at the end. */
  readonly weight: number;
  readonly onBytes: (count: number) => void;
  readonly resolve: (converted: Converted) => void;
  readonly reject: (thrown: unknown) => void;
};

type Thread = { readonly worker: Worker; readonly tasks: Map<number, Task> };

/** What a thread takes on at once: while one file is waited for, another is converted. */
const tasksPerThread = 3;
/** Work of so few bytes is done here and now, before a thread would have started. */
const smallBytes = 2 << 20;

/** Beside this module, in whichever form it runs: source or bundle. */
const threadProgram = new URL(`./conversion-thread${extname(import.meta.url)}`, import.meta.url);

/** Threads that convert wheels and .debs, one a core, started when there is work. */
export class ConversionPool {
  readonly #options: ConversionThreadOptions;
  readonly #limit = Math.max(2, availableParallelism());
  readonly #threads: Thread[] = [];
  readonly #waiting: Task[] = [];
  /** Does small work in this thread. */
  #here: Promise<Converter> | undefined;
  #nextId = 1;
  #isClosed = false;

  constructor(registryDirectory: string) {
    this.#options = { registryDirectory, compilerProcesses: Math.max(1, Math.ceil(availableParallelism() / 2)) };
  }

  /** Starts the threads ahead of their first task: they need a moment, and there may be something to wait for meanwhile. */
  warm(): void {
    while (this.#threads.length < this.#limit) this.#start();
  }

  /** Runs one conversion. `weight` is its size in bytes. @throws Fault of the conversion */
  run(conversion: Conversion, weight: number, onBytes: (count: number) => void = () => undefined): Promise<Converted> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ conversion, weight, onBytes, resolve, reject });
      this.#waiting.sort((a, b) => b.weight - a.weight);
      // Not at once: who asks for one conversion is about to ask for more, and the largest is to be the first.
      setImmediate(() => this.#assign());
    });
  }

  /** Ends the threads; what still waits fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    await (await this.#here)?.[Symbol.asyncDispose]();
  }

  #assign(): void {
    if (this.#threads.length === 0 && weightOf(this.#waiting) <= smallBytes) {
      for (const task of this.#waiting.splice(0)) this.#runHere(task).then(task.resolve, task.reject);
      return;
    }
    while (this.#waiting.length > 0 && !this.#isClosed) {
      const [task] = this.#waiting;
      const thread = task === undefined ? undefined : this.#freeThread();
      if (thread === undefined || task === undefined) return;
      this.#waiting.shift();
      const id = this.#nextId++;
      thread.tasks.set(id, task);
      thread.worker.postMessage({ id, conversion: task.conversion });
    }
  }

  async #runHere({ conversion, onBytes }: Task): Promise<Converted> {
    this.#here ??= import('./converter.ts').then(({ Converter }) => Converter.open(this.#options));
    return (await this.#here).convert(conversion, onBytes);
  }

  #freeThread(): Thread | undefined {
    const [idlest] = [...this.#threads].sort((a, b) => a.tasks.size - b.tasks.size);
    if (idlest !== undefined && idlest.tasks.size === 0) return idlest;
    if (this.#threads.length < this.#limit) return this.#start();
    return idlest !== undefined && idlest.tasks.size < tasksPerThread ? idlest : undefined;
  }

  #start(): Thread {
    const worker = new Worker(threadProgram, {
      workerData: this.#options,
    });
    const thread: Thread = { worker, tasks: new Map() };
    worker.on('message', (answer: ThreadAnswer) => this.#take(thread, answer));
    worker.on('error', (error) => this.#lose(thread, error));
    worker.on('exit', () => this.#lose(thread, new Error('A conversion thread ended')));
    this.#threads.push(thread);
    return thread;
  }

  #take(thread: Thread, answer: ThreadAnswer): void {
    const task = thread.tasks.get(answer.id);
    if (task === undefined) return;
    if ('receivedBytes' in answer) {
      task.onBytes(answer.receivedBytes);
      return;
    }
    thread.tasks.delete(answer.id);
    if ('converted' in answer) task.resolve(answer.converted);
    else if ('fault' in answer) task.reject(Fault.from(answer.fault));
    else task.reject(Object.assign(new Error(answer.error.message), answer.error));
    this.#assign();
  }

  #lose(thread: Thread, error: unknown): void {
    const at = this.#threads.indexOf(thread);
    if (at === -1) return;
    this.#threads.splice(at, 1);
    for (const task of thread.tasks.values()) task.reject(error);
    thread.tasks.clear();
    if (!this.#isClosed) this.#assign();
  }
}

function weightOf(tasks: readonly Task[]): number {
  return tasks.reduce((sum, { weight }) => sum + weight, 0);
}
