import { type BlobReader, type Digest, digestOf, type Image, readLayer } from '@mir/oci';
import { roleOf } from '../layers/image-layers.ts';
import { lockPath } from './assembly.ts';
import { labels } from './contract.ts';

const lockLimitBytes = 32 << 20;

/** The lock that an image carries in its top layer (pylock.toml without addresses); undefined where it has none. */
export async function lockInside(image: Image, blobs: Pick<BlobReader, 'read'>): Promise<string | undefined> {
  const top = image.layers.findLast(({ descriptor }) => roleOf(descriptor) === 'top');
  if (top === undefined) return undefined;
  for await (const entry of readLayer(blobs.read(top.descriptor.digest), { uncompressedBytes: lockLimitBytes })) {
    if (entry.type !== 'file' || entry.path !== lockPath) continue;
    const parts: Uint8Array[] = [];
    for await (const chunk of entry.content) parts.push(Uint8Array.from(chunk));
    return Buffer.concat(parts).toString();
  }
  return undefined;
}

/** Whether a lock is the one that the image's labels speak of. */
export function isLockOf(image: Image, lock: string): boolean {
  const digest: Digest = digestOf(Buffer.from(lock));
  return image.config.config?.Labels?.[labels.lock] === digest;
}
