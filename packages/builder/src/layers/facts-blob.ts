import type { BlobReader, BlobStore, Digest } from '@mir/oci';

const limitBytes = 256 << 20;

/** Keeps plain data beside the blobs that it describes. */
export async function storeJson(blobs: BlobStore, data: unknown): Promise<Digest> {
  const { digest } = await blobs.put(Buffer.from(JSON.stringify(data)));
  return digest;
}

/** The data that {@link storeJson} kept. The caller knows its shape: only we write these blobs, and their digest is checked. */
export async function loadJson<Data>(blobs: Pick<BlobReader, 'bytes'>, digest: Digest): Promise<Data> {
  return JSON.parse(Buffer.from(await blobs.bytes(digest, limitBytes)).toString()) as Data;
}
