import { Socket } from 'node:net';
import type { OutputChunk } from '../sandbox.ts';

const waitingLimitBytes = 256 * 1024;
const refusalWords = 'bwrap: execvp ';
const beginningLength = 2000;

/** What a command prints on two pipes, in the order in which it arrives. Whoever does not read holds the command up. */
export class Output implements AsyncIterable<OutputChunk> {
  readonly #pipes: readonly Socket[];
  readonly #limitBytes: number;
  readonly #tooMuch: () => void;
  readonly #waiting: OutputChunk[] = [];
  #waitingBytes = 0;
  #receivedBytes = 0;
  #open = 2;
  readonly #closed = Promise.withResolvers<void>();
  #isUnwanted = false;
  /** What came first on standard error, kept back as long as it may be bubblewrap's word that there is no such program. */
  #held: Buffer | undefined = Buffer.alloc(0);
  readonly #refusal: Buffer;
  /** What was printed first on standard error. */
  beginning = '';
  /** Whether that is bubblewrap's word that the program cannot be started. */
  isRefusal = false;
  #wake: () => void = () => undefined;

  /** @param tooMuch is called when more was printed than the limit; no more than the limit is given on. */
  constructor(
    files: { readonly stdout: number; readonly stderr: number },
    program: string,
    limitBytes: number,
    tooMuch: () => void,
  ) {
    this.#limitBytes = limitBytes;
    this.#tooMuch = tooMuch;
    this.#refusal = Buffer.from(`${refusalWords}${program}: `);
    this.#pipes = (['stdout', 'stderr'] as const).map((stream) => this.#listen(stream, files[stream]));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#waiting.shift();
        if (chunk !== undefined) {
          this.#waitingBytes -= chunk.bytes.length;
          if (this.#waitingBytes < waitingLimitBytes) for (const pipe of this.#pipes) pipe.resume();
          yield chunk;
        } else if (this.#open === 0) return;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      // Who stops reading does not want to hold it up for ever.
      this.#isUnwanted = true;
      for (const pipe of this.#pipes) pipe.resume();
    }
  }

  /** Waits until nobody can print any more. What nobody reads keeps it waiting. */
  async closed(): Promise<void> {
    await this.#closed.promise;
  }

  #listen(stream: 'stdout' | 'stderr', file: number): Socket {
    const pipe = new Socket({ fd: file, readable: true, writable: false });
    pipe.on('data', (bytes: Buffer) => {
      if (stream === 'stderr' && this.#held !== undefined) this.#hold(bytes);
      else this.#take(stream, bytes);
    });
    pipe.on('error', () => undefined);
    pipe.on('close', () => {
      if (stream === 'stderr') this.#release();
      this.#open -= 1;
      if (this.#open === 0) this.#closed.resolve();
      this.#wake();
    });
    return pipe;
  }

  #hold(bytes: Buffer): void {
    const held = Buffer.concat([this.#held ?? Buffer.alloc(0), bytes]);
    this.#held = held;
    const length = Math.min(held.length, this.#refusal.length);
    const isLike = held.subarray(0, length).equals(this.#refusal.subarray(0, length));
    if (isLike && held.length < this.#refusal.length) return;
    this.isRefusal = isLike;
    this.#release();
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined || held.length === 0) return;
    this.#take('stderr', this.isRefusal ? held.subarray(refusalWords.length) : held);
  }

  #take(stream: 'stdout' | 'stderr', bytes: Uint8Array): void {
    if (stream === 'stderr' && this.beginning.length < beginningLength)
      this.beginning += Buffer.from(bytes.subarray(0, beginningLength)).toString('utf8');
    const room = Math.max(0, this.#limitBytes - this.#receivedBytes);
    this.#receivedBytes += bytes.length;
    if (bytes.length > room) this.#tooMuch();
    const kept = bytes.subarray(0, room);
    if (this.#isUnwanted || kept.length === 0) return;
    this.#waiting.push({ stream, bytes: kept });
    this.#waitingBytes += kept.length;
    if (this.#waitingBytes >= waitingLimitBytes) for (const pipe of this.#pipes) pipe.pause();
    this.#wake();
  }
}
