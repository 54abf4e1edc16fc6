import type { BlobReader } from '../blob-store.ts';
import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import type { Image } from '../image/image.ts';
import { ImageSet } from '../image/image-set.ts';
import { isForeignLayerType, mediaTypes } from '../media-types.ts';
import { forEachConcurrently } from './concurrency.ts';
import type { RepositoryClient, UploadOutcome } from './repository-client.ts';

/** How far the transfer of one blob is. */
export type TransferProgress = {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly doneBytes: number;
  /** Set once, when the blob is done: how it came there. */
  readonly outcome?: UploadOutcome | 'downloaded';
};

/** How an image is pushed. */
export type PushOptions = {
  /** Tags to set, last of all. Without any, the image can be had by digest. */
  readonly tags?: readonly string[];
  /** Repositories of the same registry that may have a blob. */
  readonly mountFrom?: (digest: Digest) => readonly string[];
  /** Blobs that the repository is known to have: it is not even asked for them. */
  readonly known?: ReadonlySet<Digest>;
  /** How many blobs move at once. Default: 8. */
  readonly concurrency?: number;
  readonly onProgress?: (progress: TransferProgress) => void;
  readonly signal?: AbortSignal;
};

/**
 * Pushes an image or a set of images: layers and configurations first, then manifests, then the index, tags last, so
 * that nothing can be seen that is not whole. Blobs that are there are not moved.
 * @param blobs where the layers are; configurations come from the images themselves
 * @returns the digest of what was pushed
 */
export async function pushImage(
  repository: RepositoryClient,
  pushed: Image | ImageSet,
  blobs: BlobReader,
  options: PushOptions = {},
): Promise<Digest> {
  const images = pushed instanceof ImageSet ? pushed.images : [pushed];
  const layers = new Map<Digest, Descriptor>();
  for (const image of images)
    for (const { descriptor } of image.layers)
      if (!isForeignLayerType(descriptor.mediaType)) layers.set(descriptor.digest, descriptor);
  const wanted = [...layers.values()].map((descriptor) => ({ descriptor, open: () => blobs.read(descriptor.digest) }));
  for (const image of images) wanted.push({ descriptor: image.manifest.config, open: () => once(image.configBytes) });
  // The largest first: they decide when the last one is done.
  wanted.sort((left, right) => right.descriptor.size - left.descriptor.size);
  await forEachConcurrently(wanted, options.concurrency ?? 8, ({ descriptor, open }) =>
    bring(repository, descriptor, open, options),
  );
  if (pushed instanceof ImageSet) {
    for (const image of images) await repository.putManifest(image.digest, image.manifestBytes, image.mediaType);
  }
  const [bytes, mediaType] =
    pushed instanceof ImageSet ? [pushed.indexBytes, mediaTypes.ociIndex] : [pushed.manifestBytes, pushed.mediaType];
  // What is put under a tag can be had by its digest too: without tags alone the digest is the name.
  const tags = options.tags ?? [];
  for (const name of tags.length > 0 ? tags : [pushed.digest]) await repository.putManifest(name, bytes, mediaType);
  return pushed.digest;
}

async function bring(
  repository: RepositoryClient,
  descriptor: Descriptor,
  open: () => AsyncIterable<Uint8Array>,
  options: PushOptions,
): Promise<void> {
  const facts = { digest: descriptor.digest, sizeBytes: descriptor.size };
  if (options.known?.has(descriptor.digest) === true) {
    options.onProgress?.({ ...facts, doneBytes: descriptor.size, outcome: 'present' });
    return;
  }
  const mountFrom = options.mountFrom?.(descriptor.digest) ?? [];
  const outcome = await repository.uploadBlob(descriptor, open, {
    mountFrom,
    // A mount answers for a blob that is there already as well: asking first would be a round trip for nothing.
    skipCheck: mountFrom.length > 0,
    onProgress: (doneBytes) => options.onProgress?.({ ...facts, doneBytes }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  options.onProgress?.({ ...facts, doneBytes: descriptor.size, outcome });
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
