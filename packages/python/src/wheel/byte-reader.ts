import { createHash } from 'node:crypto';
import { pythonFault } from '../fault.ts';

const readAheadBytes = 256 * 1024;

/** Reads a file from front to back, in exact pieces, and keeps its SHA-256. A piece is good until the next is taken. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash = createHash('sha256');
  readonly #filename: string;
  #chunk: Uint8Array = new Uint8Array(0);
  #position = 0;

  constructor(stream: AsyncIterable<Uint8Array>, filename: string) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#filename = filename;
  }

  /** How many bytes were handed out. */
  get positionBytes(): number {
    return this.#position;
  }

  /** How many more bytes can be had without waiting. */
  get bufferedBytes(): number {
    return this.#chunk.length;
  }

  /** Exactly so many bytes if they are at hand, without a turn of waiting. */
  takeNow(lengthBytes: number): Uint8Array | undefined {
    return this.#chunk.length >= lengthBytes ? this.#cut(lengthBytes) : undefined;
  }

  /** Exactly so many bytes; for sizes that are bounded. @throws Fault `wheel/truncated` */
  async take(lengthBytes: number): Promise<Uint8Array> {
    if (this.#chunk.length >= lengthBytes) return this.#cut(lengthBytes);
    const whole = new Uint8Array(lengthBytes);
    for (let filled = 0; filled < lengthBytes; ) {
      const piece = await this.some(lengthBytes - filled);
      whole.set(piece, filled);
      filled += piece.length;
    }
    return whole;
  }

  /** At least one and at most so many bytes, as they come. @throws Fault `wheel/truncated` */
  async some(limitBytes: number): Promise<Uint8Array> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) throw this.#truncated();
      this.#hash.update(next.value);
      this.#chunk = next.value;
    }
    return this.#cut(Math.min(limitBytes, this.#chunk.length, readAheadBytes));
  }

  /** The SHA-256 of the whole file, which must end here; undefined when there is more. */
  async finish(): Promise<string | undefined> {
    if (this.#chunk.length > 0) return undefined;
    for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next()) {
      if (next.value.length > 0) return undefined;
    }
    return this.#hash.digest('hex');
  }

  /** Lets go of the source when reading ends early. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  #cut(lengthBytes: number): Uint8Array {
    const piece = this.#chunk.subarray(0, lengthBytes);
    this.#chunk = this.#chunk.subarray(lengthBytes);
    this.#position += lengthBytes;
    return piece;
  }

  #truncated(): Error {
    return pythonFault('wheel/truncated', {
      what: `${this.#filename} ends after ${this.#position} bytes, before it is complete`,
      subject: this.#filename,
      hint: 'Download it again; if it stays so, the file is damaged at its source.',
    });
  }
}
