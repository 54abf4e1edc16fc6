import { type Image, ImageSet, mediaTypes } from '@mir/oci';
import type { Workshop } from '../workshop.ts';
import type { Output } from './output.ts';

/** Puts an image, or an index with its images, into the embedded registry; all layers are in the store. The tag comes last. */
export async function putEmbedded(
  { blobs, repositories }: Workshop,
  published: Image | ImageSet,
  { repository, tag }: Output & { readonly kind: 'embedded' },
): Promise<void> {
  const images = published instanceof ImageSet ? published.images : [published];
  for (const image of images) {
    await blobs.put(image.configBytes);
    const tags = image === published ? [tag] : [];
    await repositories.putManifest(repository, image.manifestBytes, image.mediaType, { tags });
  }
  if (published instanceof ImageSet) {
    await repositories.putManifest(repository, published.indexBytes, mediaTypes.ociIndex, { tags: [tag] });
  }
}
