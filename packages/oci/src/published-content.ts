import type { Digest } from './digest.ts';
import type { Image } from './image/image.ts';
import { ImageSet } from './image/image-set.ts';
import { isForeignLayerType } from './media-types.ts';

/** One blob of an image: with its bytes when the image holds them itself, without when they are in a blob store. */
export type PublishedBlob = { readonly digest: Digest; readonly sizeBytes: number; readonly bytes?: Uint8Array };

/** Every blob of an image or set, each once: layers, configurations, manifests, index, in this order. */
export function contentOf(published: Image | ImageSet): readonly PublishedBlob[] {
  const images = published instanceof ImageSet ? published.images : [published];
  const found = new Map<Digest, PublishedBlob>();
  for (const image of images) {
    for (const { descriptor } of image.layers) {
      if (!isForeignLayerType(descriptor.mediaType))
        found.set(descriptor.digest, { digest: descriptor.digest, sizeBytes: descriptor.size });
    }
  }
  for (const image of images) {
    found.set(image.manifest.config.digest, held(image.manifest.config.digest, image.configBytes));
    found.set(image.digest, held(image.digest, image.manifestBytes));
  }
  if (published instanceof ImageSet) found.set(published.digest, held(published.digest, published.indexBytes));
  return [...found.values()];
}

function held(digest: Digest, bytes: Uint8Array): PublishedBlob {
  return { digest, sizeBytes: bytes.length, bytes };
}
