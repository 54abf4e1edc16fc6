import { Fault } from '@mir/core';
import type { OciFaultCode } from '../fault.ts';

/** Reads a stream in amounts of the reader's choice. Holds no more than it was asked for and one chunk. */
export class ByteSource {
  /** How many bytes were read. */
  position = 0;
  #iterator: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  /** The next bytes, already at hand; undefined when they would have to be waited for. */
  takeAtHand(length: number): Uint8Array | undefined {
    if (this.#chunk.length - this.#at < length) return undefined;
    this.#at += length;
    this.position += length;
    return this.#chunk.subarray(this.#at - length, this.#at);
  }

  /** The next bytes, exactly so many, or undefined at the end. @throws Fault `layer/damaged` when it ends within them */
  async take(length: number): Promise<Uint8Array | undefined> {
    const atHand = this.takeAtHand(length);
    if (atHand !== undefined) return atHand;
    const taken = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const part = await this.takeSome(length - filled);
      if (part === undefined) {
        if (filled === 0) return undefined;
        throw cutShort();
      }
      taken.set(part, filled);
      filled += part.length;
    }
    return taken;
  }

  /** At most so many bytes, as they come; undefined at the end. */
  async takeSome(limit: number): Promise<Uint8Array | undefined> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#iterator.next();
      if (next.done === true) return undefined;
      this.#chunk = next.value;
      this.#at = 0;
    }
    return this.takeAtHand(Math.min(limit, this.#chunk.length - this.#at));
  }

  /** Leaves out so many bytes. @throws Fault `layer/damaged` when it ends before */
  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) {
      const part = await this.takeSome(left);
      if (part === undefined) throw cutShort();
      left -= part.length;
    }
  }

  /** Reads to the end, so that what stands before this source is checked to its end too. */
  async drain(): Promise<void> {
    while ((await this.takeSome(Number.MAX_SAFE_INTEGER)) !== undefined);
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

/** The fault for an archive that ends too early. */
export function cutShort(): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('layer/damaged', {
    what: 'A layer is cut short: its tar archive ends in the middle of an entry',
    hint: 'Get the layer again; if it stays so, the image must be pushed anew.',
  });
}
