import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Fault } from '@mir/core';
import type { DebianFaultCode } from '../fault.ts';
import { xzDecoded } from './xz.ts';

/** As text, pieces of 128 kB would no longer be young objects for V8, and lie about until all of its heap is collected. */
const pieceBytes = 64 * 1024;

/**
 * The bytes behind a file whose name ends in .xz, .gz or .zst; as they are for any other name. A piece is good until the next is asked
 * for. xz streams of one thread take turns: one that is neither read to its end nor left holds up all others.
 * @throws Fault `deb/malformed` for damaged data
 */
export async function* decompressed(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  if (name.endsWith('.xz')) yield* reported(xzDecoded(chunks), name);
  else if (name.endsWith('.gz')) yield* reported(piped(chunks, createGunzip({ chunkSize: pieceBytes })), name);
  else if (name.endsWith('.zst')) yield* reported(piped(chunks, createZstdDecompress({ chunkSize: pieceBytes })), name);
  else yield* chunks;
}

async function* piped(chunks: AsyncIterable<Uint8Array>, through: NodeJS.ReadWriteStream): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  const source = Readable.from(remembering(chunks, (thrown) => (failure = thrown)));
  pipeline(source, through, () => {});
  try {
    for await (const chunk of through) yield chunk as unknown as Uint8Array;
  } catch (thrown) {
    throw failure ?? thrown;
  }
}

async function* remembering(
  chunks: AsyncIterable<Uint8Array>,
  remember: (thrown: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (thrown) {
    remember(thrown);
    throw thrown;
  }
}

async function* reported(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault<DebianFaultCode>('deb/malformed', {
      what: `The compressed data of ${name} is damaged: ${cause instanceof Error ? cause.message : cause}`,
      subject: name,
      hint: 'Fetch the file again; if it stays damaged, use another mirror.',
      cause,
    });
  }
}
