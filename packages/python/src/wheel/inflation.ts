import { createInflateRaw } from 'node:zlib';
import type { DeflatedChunk } from '@mir/core';

const outputBytes = 256 * 1024;

/** What was read and written by an inflation that has ended. */
export type InflationEnd = { consumedBytes: number };

/**
 * Inflates a raw deflate stream piece by piece (RFC 1951), in a thread of the pool, and hands the deflated bytes on
 * beside the inflated ones. Memory is bounded: no more is read than was taken.
 */
export async function* inflate(deflated: AsyncIterable<Uint8Array>, end: InflationEnd): AsyncGenerator<DeflatedChunk> {
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
      yield { deflated: joined(taken), inflated };
    }
    await feeding;
    end.consumedBytes = inflater.bytesWritten;
    if (passed.length > 0) yield { deflated: joined(passed), inflated: new Uint8Array(0) };
  } finally {
    inflater.destroy();
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
}
