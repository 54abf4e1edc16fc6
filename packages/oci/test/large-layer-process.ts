// Writes a file of 600 MB, spliced, and one of 100 MB as it is, into the store named by the first argument; prints the peak memory in MB.
import type { DeflatedChunk } from '@mir/core';
import { BlobStore, LayerWriter } from '../src/index.ts';

const [directory = ''] = process.argv.slice(2);
const chunkBytes = 250_000;
const count = 2400;
const plainCount = 400;
const facts = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 } as const;

async function* pieces(): AsyncIterable<DeflatedChunk> {
  // The writer copies deflate bytes without looking at them: any will do here.
  for (let at = 0; at < count; at++)
    yield { deflated: Buffer.alloc(chunkBytes / 2, at), inflated: Buffer.alloc(chunkBytes, at) };
}

async function* plain(): AsyncIterable<Uint8Array> {
  for (let at = 0; at < plainCount; at++) yield Buffer.alloc(chunkBytes, at);
}

const writer = await (await BlobStore.open(directory)).write();
const layer = new LayerWriter(writer);
const sizeBytes = chunkBytes * count;
await layer.add({
  ...facts,
  path: 'spliced',
  content: { kind: 'deflated', sizeBytes, compressedSizeBytes: sizeBytes / 2, crc32: 0, chunks: pieces() },
});
await layer.add({
  ...facts,
  path: 'stream',
  content: { kind: 'stream', sizeBytes: chunkBytes * plainCount, chunks: plain() },
});
await layer.finish();
await writer.abort();
process.stdout.write(String(Math.ceil(process.resourceUsage().maxRSS / 1024)));
