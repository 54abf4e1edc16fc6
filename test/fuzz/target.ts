import type { TreeEntry } from '@mir/core';
import { LayerWriter } from '@mir/oci';

/** A parser and what it is fed with: `corpus/<name>/*`, and mutations of those. */
export type FuzzTarget = {
  readonly name: string;
  /** Feeds one input to the parser and takes everything that comes out of it. */
  readonly parse: (input: Buffer) => unknown;
  /** Sets sums right again, so that a mutation is met by what lies behind their check. */
  readonly repaired?: (input: Buffer) => Buffer;
  /** Pieces that inputs of this kind are made of. */
  readonly words?: readonly string[];
};

/** What a target may take out of an input in all: a bomb has to be noticed before. */
const maximalOutputBytes = 64 * 1024 * 1024;

/** Takes a stream to its end, or as far as is sound. */
export async function exhaust(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    if (sizeBytes > maximalOutputBytes) break;
  }
  return sizeBytes;
}

/** Writes what a parser has made of an input into a layer, as a build does: whatever the parser lets pass has to fit there. */
export async function writeLayer(entries: AsyncIterable<TreeEntry>): Promise<'whole' | 'too large'> {
  const layer = new LayerWriter({ write: () => undefined });
  let sizeBytes = 0;
  for await (const entry of entries) {
    if (entry.path.split('/').some((part) => part === '..' || part === '' || part === '.'))
      throw new Error(`"${entry.path}" leads out`);
    if (entry.type === 'file' && entry.content.kind !== 'bytes') sizeBytes += entry.content.sizeBytes;
    if (sizeBytes > maximalOutputBytes) return 'too large';
    await layer.add(entry);
  }
  await layer.finish();
  return 'whole';
}

/** An input in pieces of a size that is no power of two, as networks deliver them. */
export async function* inPieces(input: Uint8Array, pieceBytes = 1_021): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < input.length; at += pieceBytes) yield input.subarray(at, at + pieceBytes);
}

/** The checksums of every tar header in an input, made right. */
export function withTarSums(input: Buffer): Buffer {
  const repaired = Buffer.from(input);
  for (let at = 0; at + 512 <= repaired.length; at += 512) {
    const block = repaired.subarray(at, at + 512);
    if (block.toString('latin1', 257, 262) !== 'ustar') continue;
    block.fill(0x20, 148, 156);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return repaired;
}
