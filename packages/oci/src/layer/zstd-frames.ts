import { once } from 'node:events';
import { createZstdDecompress, type ZstdDecompress } from 'node:zlib';

/**
 * Decompresses zstd of any number of frames (RFC 8878, 3: frames may be concatenated, and chunked layers are). Node's
 * decoder stops after the first frame, so each gets a decoder of its own, fed with what the one before has left.
 */
export async function* decompressZstdFrames(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const input = new FrameInput(chunks);
  try {
    while (await input.hasMore()) {
      const decoder = createZstdDecompress({ chunkSize: 128 * 1024 });
      const feeding = input.feed(decoder);
      // A failure to feed ends the decoder with it, and is thrown there.
      feeding.catch((thrown: Error) => decoder.destroy(thrown));
      try {
        yield* decoder as AsyncIterable<Uint8Array>;
        await feeding;
      } finally {
        decoder.destroy();
      }
      input.forget(decoder.bytesWritten);
    }
  } finally {
    await input.close();
  }
}

class FrameInput {
  #iterator: AsyncIterator<Uint8Array>;
  /** What was taken from the source and is not known to be decoded. */
  #pending: Uint8Array[] = [];

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  async hasMore(): Promise<boolean> {
    while (this.#pending.length === 0) if (!(await this.#pull())) return false;
    return true;
  }

  /** Feeds a decoder until its frame or the source ends. */
  async feed(decoder: ZstdDecompress): Promise<void> {
    const ended = once(decoder, 'end').catch(() => undefined);
    for (let at = 0; !decoder.readableEnded && !decoder.destroyed; at++) {
      if (at === this.#pending.length && !(await this.#pull())) {
        decoder.end();
        return;
      }
      const chunk = this.#pending[at];
      if (chunk !== undefined && !decoder.destroyed && !decoder.write(chunk)) {
        // A decoder that has come to the end of its frame never drains.
        await Promise.race([ended, once(decoder, 'drain').catch(() => undefined)]);
      }
    }
  }

  /** Leaves out what a decoder has used. */
  forget(usedBytes: number): void {
    let left = usedBytes;
    while (left > 0) {
      const first = this.#pending.shift();
      if (first === undefined) return;
      if (first.length > left) this.#pending.unshift(first.subarray(left));
      left -= first.length;
    }
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  async #pull(): Promise<boolean> {
    const next = await this.#iterator.next();
    if (next.done === true) return false;
    if (next.value.length > 0) this.#pending.push(next.value);
    return true;
  }
}
