import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Fault } from '@mir/core';
import { knownAddresses } from '@mir/http';
import type { Conversion, ConversionListener, ConversionThreadOptions, Converted } from './conversion.ts';
import type { ThreadAnswer, ThreadTask } from './conversion-thread.ts';
import type { Converter } from './converter.ts';

type Task = {
  readonly conversion: Conversion;
  /** Bigger work first, so that no thread is left with a big one at the end. */
  readonly weight: number;
  readonly tell: ConversionListener;
  readonly resolve: (converted: Converted) => void;
  readonly reject: (thrown: unknown) => void;
};

type Thread = {
  readonly worker: Worker;
  readonly tasks: Map<number, Task>;
  /** It has loaded what it needs. Until then work waits here, where the largest piece that has come meanwhile goes first. */
  isReady: boolean;
};

/** What a thread takes on at once: while one file is waited for, another is converted. */
const tasksPerThread = 2;
/** Work of so few bytes in all is done here and now: a thread would have started when most of it is done. */
const smallBytes = 6 << 20;
/**
 * Pieces of this size are done here even while threads work: they are mostly waiting for an index, and would wait again for a
 * turn among large ones.
 */
const smallPieceBytes = 512 << 10;
/** How many such pieces are done here at once, beside one that may be larger. */
const smallPiecesHere = 4;
/** What is larger than this is left to a thread: it would be done here for seconds, beside all that only this thread can do. */
const largestBytesHere = 64 << 20;

/** So long a conversion that runs may go on when the pool is closed. */
const closingMilliseconds = 500;

/** Beside this module, in whichever form it runs: source or bundle. */
const threadProgram = new URL(`./conversion-thread${extname(import.meta.url)}`, import.meta.url);

/**
 * Converts wheels and .debs and joins layers, as many large ones at once as there are cores: one here, where there is mostly waiting to
 * do and everything is loaded, and the others in threads that are started when there is work. Small pieces are done here.
 */
export class ConversionPool {
  readonly #options: ConversionThreadOptions;
  readonly #limit = Math.max(1, availableParallelism() - 1);
  readonly #threads: Thread[] = [];
  readonly #waiting: Task[] = [];
  /** Works in this thread. */
  #here: Promise<Converter> | undefined;
  readonly #tasksHere = new Set<Task>();
  #nextId = 1;
  #isClosed = false;

  constructor(registryDirectory: string) {
    this.#options = { registryDirectory, compilerProcesses: Math.max(1, Math.ceil(availableParallelism() / 2)) };
  }

  /** Whether nothing is converted and nothing waits. */
  get isIdle(): boolean {
    return (
      this.#waiting.length === 0 && this.#tasksHere.size === 0 && this.#threads.every(({ tasks }) => tasks.size === 0)
    );
  }

  /** Starts the threads ahead of their first task: they need a moment, and there may be something to wait for meanwhile. */
  warm(): void {
    while (this.#threads.length < this.#limit) this.#start();
  }

  /**
   * Runs one conversion, and tells of it meanwhile. `weight` is its size in bytes.
   * @throws Fault of the conversion
   */
  run(conversion: Conversion, weight: number, tell: ConversionListener = () => undefined): Promise<Converted> {
    if (this.#isClosed) return Promise.reject(ended());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ conversion, weight, tell, resolve, reject });
      this.#waiting.sort((a, b) => b.weight - a.weight);
      // Not at once: who asks for one conversion is about to ask for more, and the largest is to be the first.
      setImmediate(() => this.#assign());
    });
  }

  /** Ends the threads; what still waits fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const task of this.#waiting.splice(0)) task.reject(ended());
    // What fails for the same reason as everything else does so at once, and cleans up; what goes on is ended, and collected later.
    const latest = performance.now() + closingMilliseconds;
    const isBusy = () => this.#tasksHere.size > 0 || this.#threads.some(({ tasks }) => tasks.size > 0);
    while (isBusy() && performance.now() < latest) await delay(10);
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    await (await this.#here)?.[Symbol.asyncDispose]();
  }

  #assign(): void {
    if (this.#isClosed) return;
    const isLittle = this.#threads.length === 0 && weightOf(this.#waiting) <= smallBytes;
    for (let smallest = this.#waiting.at(-1); smallest !== undefined; smallest = this.#waiting.at(-1)) {
      if (this.#smallPiecesHere() >= smallPiecesHere || (!isLittle && smallest.weight > smallPieceBytes)) break;
      this.#runHere(smallest);
    }
    if (isLittle) return;
    // One that has to wait does not hold up those behind it.
    for (const task of [...this.#waiting]) {
      const thread = this.#freeThread(task);
      if (this.#isBetterHere(task, thread)) this.#runHere(task);
      else if (thread !== undefined) this.#runIn(thread, task);
    }
    this.#startThreads();
  }

  /** Whether a large piece is done earlier here than in the thread that could take it. */
  #isBetterHere({ weight }: Task, thread: Thread | undefined): boolean {
    if (weight > largestBytesHere || this.#smallPiecesHere() < this.#tasksHere.size) return false;
    return thread === undefined || loadOf(thread) > weightOf(this.#tasksHere);
  }

  #smallPiecesHere(): number {
    return [...this.#tasksHere].filter(({ weight }) => weight <= smallPieceBytes).length;
  }

  #runHere(task: Task): void {
    const { conversion, tell, resolve, reject } = task;
    this.#takeOut(task);
    this.#tasksHere.add(task);
    this.#here ??= import('./converter.ts').then(({ Converter }) => Converter.open(this.#options));
    this.#here
      .then((converter) => converter.convert(conversion, tell))
      .then(resolve, reject)
      .finally(() => {
        this.#tasksHere.delete(task);
        this.#assign();
      });
  }

  #runIn(thread: Thread, task: Task): void {
    const id = this.#nextId++;
    this.#takeOut(task);
    thread.tasks.set(id, task);
    const sent: ThreadTask = { id, conversion: task.conversion, addresses: knownAddresses() };
    thread.worker.postMessage(sent);
  }

  #takeOut(task: Task): void {
    this.#waiting.splice(this.#waiting.indexOf(task), 1);
  }

  /** Starts threads where there are too few for what waits. */
  #startThreads(): void {
    const idle = this.#threads.filter(({ tasks }) => tasks.size === 0).length;
    for (let more = this.#waiting.length - idle; more > 0 && this.#threads.length < this.#limit; more--) this.#start();
  }

  /**
   * The thread with the least to do, when there is one that can take on more. What is more than all the rest decides when the end is: it is
   * begun at once, and nothing is put beside it.
   */
  #freeThread({ weight }: Task): Thread | undefined {
    const all =
      weightOf(this.#waiting) +
      weightOf(this.#tasksHere) +
      this.#threads.reduce((sum, thread) => sum + loadOf(thread), 0);
    const isMost = (part: number) => part > all - part;
    const room = isMost(weight) ? tasksPerThread + 1 : tasksPerThread;
    const [idlest] = this.#threads
      .filter((thread) => thread.isReady && thread.tasks.size < room && !isMost(loadOf(thread)))
      .sort((a, b) => loadOf(a) - loadOf(b));
    return idlest;
  }

  #start(): void {
    const worker = new Worker(threadProgram, {
      workerData: this.#options,
    });
    const thread: Thread = { worker, tasks: new Map(), isReady: false };
    worker.on('message', (answer: ThreadAnswer) => this.#take(thread, answer));
    worker.on('error', (error) => this.#lose(thread, error));
    worker.on('exit', () => this.#lose(thread, new Error('A conversion thread ended')));
    this.#threads.push(thread);
  }

  #take(thread: Thread, answer: ThreadAnswer): void {
    if ('isReady' in answer) {
      thread.isReady = true;
      this.#assign();
      return;
    }
    const task = thread.tasks.get(answer.id);
    if (task === undefined) return;
    if ('news' in answer) {
      task.tell(answer.news);
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
    // One that could not even start would be followed by others like it.
    if (!thread.isReady) for (const task of this.#waiting.splice(0)) task.reject(error);
    if (!this.#isClosed) this.#assign();
  }
}

function ended(): Error {
  return new Error('The conversions were ended');
}

function loadOf({ tasks }: Thread): number {
  return weightOf(tasks.values());
}

function weightOf(tasks: Iterable<Task>): number {
  let sum = 0;
  for (const { weight } of tasks) sum += weight;
  return sum;
}
