import { type BlobReader, type Image, ImageSet, writeDockerArchive, writeLayout } from '@mir/oci';
import type { Workshop } from '../workshop.ts';
import type { Delivered } from './delivery.ts';
import { putEmbedded } from './embedded.ts';
import { type Output, severalPlatforms } from './output.ts';

/**
 * Writes an image, or an index with its images, to where it goes on this machine. For the embedded registry, all layers are in
 * the store by now.
 *
 * @param blobs read the layers from
 * @throws Fault of the output
 */
export async function writeLocally(
  workshop: Workshop,
  published: Image | ImageSet,
  output: Exclude<Output, { readonly kind: 'registry' }>,
  blobs: BlobReader,
): Promise<Delivered> {
  switch (output.kind) {
    case 'embedded':
      await putEmbedded(workshop, published, output);
      return { name: `${output.repository}:${output.tag}`, sentBytes: 0 };
    case 'oci':
      await writeLayout(output.directory, [{ image: published, name: output.name }], blobs);
      return { name: `oci:${output.directory}:${output.name}`, sentBytes: 0 };
    case 'docker-archive':
      if (published instanceof ImageSet) throw severalPlatforms(output);
      await writeDockerArchive(output.file, [{ image: published, tags: [output.name] }], blobs);
      return { name: `docker-archive:${output.file}`, sentBytes: 0 };
  }
}
