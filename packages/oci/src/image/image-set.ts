import type { Descriptor } from '../descriptor.ts';
import { type Digest, digestOf } from '../digest.ts';
import { mediaTypes } from '../media-types.ts';
import type { Image } from './image.ts';
import type { ImageIndex } from './manifest.ts';

/** Images for several platforms under one digest: an OCI image index and what it lists. Immutable. */
export class ImageSet {
  readonly images: readonly Image[];
  readonly index: ImageIndex;
  readonly indexBytes: Uint8Array;
  readonly digest: Digest;

  private constructor(images: readonly Image[], index: ImageIndex) {
    this.images = images;
    this.index = index;
    this.indexBytes = new TextEncoder().encode(JSON.stringify(index));
    this.digest = digestOf(this.indexBytes);
  }

  /** The index over these images, in this order. */
  static create(images: readonly Image[], annotations?: Readonly<Record<string, string>>): ImageSet {
    return new ImageSet(images, {
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: images.map((image) => image.descriptor),
      ...(annotations === undefined ? {} : { annotations }),
    });
  }

  /** What refers to this set. */
  get descriptor(): Descriptor {
    return { mediaType: mediaTypes.ociIndex, digest: this.digest, size: this.indexBytes.length };
  }
}
