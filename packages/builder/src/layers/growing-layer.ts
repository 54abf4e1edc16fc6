import { open } from 'node:fs/promises';
import type { LayerRecord } from './layer-store.ts';

const readChunkBytes = 256 * 1024;

/** Wheels of this size are converted for seconds: their layers may leave while they are written. */
export const growingBytes = 32 << 20;

/** Where a layer is being written, and how much of it is there. */
export type Growth = { readonly path: string; readonly sizeBytes: number };

/** A layer while a thread writes it: its bytes can be read as they come. */
export class GrowingLayer {
  /** The layer, when it is whole; rejects when nothing comes of it. */
  readonly layer: Promise<LayerRecord>;
  readonly #end = Promise.withResolvers<LayerRecord>();
  #hasEnded = false;
  #growth: Growth;
  #change = Promise.withResolvers<void>();

  constructor(begun: Growth) {
    this.#growth = begun;
    this.layer = this.#end.promise;
    this.layer.catch(() => undefined);
  }

  /** Whether it is whole, or nothing comes of it. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** More of it is there. */
  grow(growth: Growth): void {
    this.#growth = growth;
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** It is whole. */
  finish(layer: LayerRecord): void {
    this.#hasEnded = true;
    this.#end.resolve(layer);
  }

  /** Nothing comes of it. */
  fail(thrown: unknown): void {
    this.#hasEnded = true;
    this.#end.reject(thrown);
  }

  /**
   * Its bytes from the first to the last; waits for what is not there yet. A chunk is good until the next is asked for.
   * @throws what it failed by; the signal's reason
   */
  async *read(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    aborted.catch(() => undefined);
    let wholeBytes: number | undefined;
    const ended = this.layer.then(({ sizeBytes }) => {
      wholeBytes = sizeBytes;
    });
    // It may fail while the reader of this is busy with what it was given.
    ended.catch(() => undefined);
    const next = () => Promise.race([this.#change.promise, ended, aborted]);
    signal.throwIfAborted();
    await using file = await open(this.#growth.path, 'r');
    const room = Buffer.allocUnsafeSlow(readChunkBytes);
    for (let position = 0; wholeBytes === undefined || position < wholeBytes; ) {
      signal.throwIfAborted();
      const there = wholeBytes ?? this.#growth.sizeBytes;
      if (position >= there) {
        await next();
        continue;
      }
      const { bytesRead } = await file.read(room, 0, Math.min(room.length, there - position), position);
      if (bytesRead === 0) throw new Error('The layer is shorter than it was said to be');
      position += bytesRead;
      yield room.subarray(0, bytesRead);
    }
  }
}
