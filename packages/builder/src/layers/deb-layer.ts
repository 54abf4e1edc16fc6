import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readDeb } from '@mir/debian';
import type { HttpClient } from '@mir/http';
import { type BlobStore, type Digest, LayerWriter } from '@mir/oci';
import type { DebSource } from '../base/base.ts';
import { storeJson } from './facts-blob.ts';
import type { LayerRecord } from './layer-store.ts';

/**
 * Turns a .deb into a layer of its files, and keeps what configuring it will need beside it. The .deb itself is kept too: archives drop
 * superseded versions, and a lock must stay buildable.
 *
 * @throws Fault of the .deb reader or of the download; nothing is kept then
 */
export async function writeDebLayer(
  blobs: BlobStore,
  http: HttpClient,
  debian: DebSource,
  mergedUsr: boolean,
  onBytes: (count: number) => void,
): Promise<LayerRecord> {
  const digest: Digest = `sha256:${debian.sha256}`;
  const isHere = (await blobs.size(digest)) === debian.sizeBytes;
  const chunks = isHere ? blobs.read(digest) : downloadInto(blobs, http, debian, digest, onBytes);
  await using blob = await blobs.write();
  const writer = new LayerWriter(blob);
  const deb = readDeb(chunks, { package: debian, mergedUsr });
  // The facts fail together with the entries; the failure is reported once, by the entries.
  deb.facts.catch(() => undefined);
  for await (const entry of deb.entries) await writer.add(entry);
  const facts = await storeJson(blobs, await deb.facts);
  const layer = await writer.finish();
  await blob.commit({ digest: layer.digest, sizeBytes: layer.sizeBytes });
  return { ...layer, facts, holds: [digest] };
}

async function* downloadInto(
  blobs: BlobStore,
  http: HttpClient,
  debian: DebSource,
  digest: Digest,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  await using blob = await blobs.write();
  const url = `${debian.sourceUri}/${debian.filename}`;
  const chunks = url.startsWith('file:') ? createReadStream(fileURLToPath(url)) : (await http.download(url)).chunks;
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    await blob.write(chunk);
    yield chunk;
  }
  await blob.commit({ digest, sizeBytes: debian.sizeBytes });
}
