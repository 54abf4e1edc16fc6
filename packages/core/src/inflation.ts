import { constants, createInflateRaw, inflateRawSync } from 'node:zlib';
import type { DeflatedChunk } from './tree-entry.ts';

/** What a stream is inflated to at a time: it stays in the processor's cache while it is hashed. */
const outputBytes = 256 * 1024;

/** What was read and written by an inflation that has ended. */
export type InflationEnd = { consumedBytes: number };

/** Says that a deflate stream is damaged, cut short, or followed by other bytes. */
export class DamagedStream extends Error {}

/**
 * The part of zlib's own handle that is used below. Node does not document it, but npm's own tools rest on it; where it is
 * not as expected, documented calls do the same with an allocation for each piece. Those allocations are what it is for: with them,
 * 1.8 GB of wheels cost four times the processor time.
 */
type Handle = {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
  reset(): void;
  close(): void;
};

/** One inflater, and what its last call has left of the output's room and of the input. */
type Engine = { readonly handle: Handle; readonly left: Uint32Array; readonly failed: () => boolean };

function engine(): Engine | undefined {
  const inflater = createInflateRaw();
  inflater.on('error', () => undefined);
  const { _handle: handle, _writeState: left } = inflater as unknown as {
    readonly _handle?: Partial<Handle>;
    readonly _writeState?: unknown;
  };
  const isAsExpected =
    typeof handle?.writeSync === 'function' && typeof handle.reset === 'function' && left instanceof Uint32Array;
  return isAsExpected ? { handle: handle as Handle, left, failed: () => inflater.destroyed } : undefined;
}

/**
 * Inflates raw deflate streams (RFC 1951) on the spot, into one buffer that is used again and again: what it gives is good until
 * the next piece is asked for.
 */
export class Inflater {
  readonly #output: Buffer;
  #engine: Engine | undefined = engine();

  /** `longestBytes`: the largest piece that {@link inflatePiece} will be asked for. */
  constructor(longestBytes: number) {
    // One byte of room more than declared: a piece that is too long is then told from one that is damaged.
    this.#output = Buffer.allocUnsafeSlow(Math.max(longestBytes + 1, outputBytes));
  }

  /**
   * Inflates a whole deflate stream that should have `sizeBytes`. The result is longer than that where the stream is.
   *
   * @throws DamagedStream
   */
  inflatePiece(deflated: Uint8Array, sizeBytes: number): Uint8Array {
    if (this.#engine === undefined) return inflatedWithAllocation(deflated, sizeBytes);
    const { handle, left } = this.#engine;
    this.#run(constants.Z_FINISH, deflated, 0, sizeBytes + 1);
    handle.reset();
    const [outputLeft = 0, inputLeft = 0] = left;
    if (inputLeft > 0 && outputLeft > 0) throw new DamagedStream('there are bytes behind its end');
    return this.#output.subarray(0, sizeBytes + 1 - outputLeft);
  }

  /**
   * Inflates a stream piece by piece, and hands the deflated bytes on beside the inflated ones. Memory is bounded: no more is
   * read than was taken.
   *
   * @throws DamagedStream
   */
  async *inflateStream(pieces: AsyncIterable<Uint8Array>, end: InflationEnd): AsyncGenerator<DeflatedChunk> {
    if (this.#engine === undefined) {
      yield* inflatedElsewhere(pieces, end);
      return;
    }
    const { handle, left } = this.#engine;
    end.consumedBytes = 0;
    for await (const piece of pieces) {
      let deflated = piece;
      for (let at = 0; ; ) {
        this.#run(constants.Z_NO_FLUSH, piece, at, outputBytes);
        const [outputLeft = 0, inputLeft = 0] = left;
        end.consumedBytes += piece.length - at - inputLeft;
        at = piece.length - inputLeft;
        yield { deflated, inflated: this.#output.subarray(0, outputBytes - outputLeft) };
        deflated = nothing;
        if (outputLeft > 0) break;
      }
    }
    this.#run(constants.Z_FINISH, nothing, 0, outputBytes);
    const rest = outputBytes - (left[0] ?? 0);
    if (rest > 0) yield { deflated: nothing, inflated: this.#output.subarray(0, rest) };
    handle.reset();
  }

  /** Lets go of zlib's memory. */
  close(): void {
    this.#engine?.handle.close();
    this.#engine = undefined;
  }

  #run(flush: number, input: Uint8Array, at: number, room: number): void {
    const inflater = this.#engine;
    if (inflater === undefined) throw new Error('This inflater was closed.');
    inflater.handle.writeSync(flush, input, at, input.length - at, this.#output, 0, room);
    if (!inflater.failed()) return;
    this.#engine = engine();
    throw new DamagedStream('it cannot be decompressed');
  }
}

const nothing = new Uint8Array(0);

function inflatedWithAllocation(deflated: Uint8Array, sizeBytes: number): Uint8Array {
  const room = Math.max(sizeBytes + 1, 64);
  try {
    const answer = inflateRawSync(deflated, { info: true, maxOutputLength: room, chunkSize: room });
    const { buffer, engine } = answer as unknown as {
      readonly buffer: Uint8Array;
      readonly engine: { readonly bytesWritten: number };
    };
    if (engine.bytesWritten === deflated.length) return buffer;
  } catch (thrown) {
    const isTooLong = thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_BUFFER_TOO_LARGE';
    if (isTooLong) return new Uint8Array(sizeBytes + 1);
    throw new DamagedStream('it cannot be decompressed', { cause: thrown });
  }
  throw new DamagedStream('there are bytes behind its end');
}

async function* inflatedElsewhere(
  deflated: AsyncIterable<Uint8Array>,
  end: InflationEnd,
): AsyncGenerator<DeflatedChunk> {
  const inflater = createInflateRaw({ chunkSize: outputBytes });
  let passed: Uint8Array[] = [];
  const feeding = (async () => {
    for await (const piece of deflated) {
      passed.push(piece);
      if (inflater.destroyed) return;
      await new Promise<void>((resolve) => inflater.write(piece, () => resolve()));
    }
    inflater.end();
  })();
  // A failure of the source has to reach the reader of the inflated bytes, which waits on the inflater only.
  feeding.catch((thrown: unknown) => inflater.destroy(thrown instanceof Error ? thrown : new Error(String(thrown))));
  try {
    for await (const inflated of inflater) {
      const taken = passed;
      passed = [];
      yield { deflated: Buffer.concat(taken), inflated };
    }
    await feeding;
    end.consumedBytes = inflater.bytesWritten;
    if (passed.length > 0) yield { deflated: Buffer.concat(passed), inflated: nothing };
  } catch (thrown) {
    const isOfZlib = thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('Z_');
    throw isOfZlib ? new DamagedStream('it cannot be decompressed', { cause: thrown }) : thrown;
  } finally {
    inflater.destroy();
  }
}
