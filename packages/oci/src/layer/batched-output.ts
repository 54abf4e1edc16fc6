import { createHash, type Hash } from 'node:crypto';
import type { Digest } from '../digest.ts';
import type { LayerSink } from './layer-writer.ts';

const batchBytes = 256 * 1024;
// From this size on a chunk goes to the sink as it is: copying it would cost more than the call it saves.
const largeBytes = 64 * 1024;

/** Gathers small writes into large ones, counts and hashes what passes, and waits whenever the sink asks to. */
export class BatchedOutput {
  /** Everything that was written, flushed or not. */
  sizeBytes = 0;
  #sink: LayerSink;
  #hash: Hash | undefined;
  #batch: Buffer = Buffer.allocUnsafeSlow(batchBytes);
  #filled = 0;

  constructor(sink: LayerSink) {
    this.#sink = sink;
    this.#hash = sink.digest === undefined ? createHash('sha256') : undefined;
  }

  /** Returns a promise only when there is something to wait for. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    this.sizeBytes += chunk.length;
    if (chunk.length < largeBytes && this.#filled + chunk.length <= batchBytes) {
      this.#batch.set(chunk, this.#filled);
      this.#filled += chunk.length;
      return undefined;
    }
    return this.#writeThrough(chunk);
  }

  async finish(): Promise<{ readonly digest: Digest; readonly sizeBytes: number }> {
    await this.#flush();
    const digest: Digest = this.#sink.digest?.() ?? `sha256:${this.#hash?.digest('hex') ?? ''}`;
    return { digest, sizeBytes: this.sizeBytes };
  }

  async #writeThrough(chunk: Uint8Array): Promise<void> {
    await this.#flush();
    if (chunk.length >= largeBytes) {
      await this.#send(chunk);
      return;
    }
    this.#batch.set(chunk, 0);
    this.#filled = chunk.length;
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    const batch = this.#batch.subarray(0, this.#filled);
    this.#filled = 0;
    await this.#send(batch);
  }

  async #send(chunk: Uint8Array): Promise<void> {
    this.#hash?.update(chunk);
    await this.#sink.write(chunk);
  }
}
