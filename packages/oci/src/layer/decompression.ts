import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Fault } from '@mir/core';
import type { OciFaultCode } from '../fault.ts';
import { decompressZstdFrames } from './zstd-frames.ts';

/** How a layer is compressed, by its first bytes: media types lie too often to be asked. */
type Compression = 'gzip' | 'zstd' | 'none';

/**
 * The uncompressed bytes of a layer that is gzip (of any number of members), zstd or plain.
 * @throws Fault `layer/damaged`
 */
export async function* decompress(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const { head, rest } = await splitHead(chunks);
  const compression = compressionOf(head);
  if (compression === 'none') {
    yield* rest;
    return;
  }
  try {
    yield* compression === 'gzip' ? gunzip(rest) : decompressZstdFrames(rest);
  } catch (thrown) {
    throw asDamaged(thrown);
  }
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const decoder = createGunzip({ chunkSize: 128 * 1024 });
  const source = Readable.from(chunks, { objectMode: false, highWaterMark: 1 });
  source.on('error', (error) => decoder.destroy(error));
  source.pipe(decoder);
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
  } finally {
    source.destroy();
    decoder.destroy();
  }
}

/** The compression that the first four bytes tell. */
function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd';
  // zstd files may begin with a skippable frame (RFC 8878, 3.1.2)
  if (((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18) return 'zstd';
  return 'none';
}

async function splitHead(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly head: Uint8Array; readonly rest: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 4) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  const first = head;
  const rest = async function* (): AsyncIterable<Uint8Array> {
    let finished = false;
    try {
      if (first.length > 0) yield first;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
      finished = true;
    } finally {
      if (!finished) await iterator.return?.();
    }
  };
  return { head: first, rest: rest() };
}

function asDamaged(thrown: unknown): unknown {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (thrown instanceof Fault || !/^(Z_|ZSTD_|ERR_ZSTD|ERR_BUFFER|ERR_STREAM_PREMATURE)/.test(code)) return thrown;
  return new Fault<OciFaultCode>('layer/damaged', {
    what: 'A layer is damaged or cut short: it does not decompress',
    hint: 'Get the layer again; if it stays so, the image must be pushed anew.',
    cause: thrown,
  });
}
