import { platforms } from '@mir/core';
import {
  type BlobReader,
  type BlobStore,
  type Digest,
  fetchImages,
  Image,
  parseManifest,
  type RepositoryClient,
  readLayout,
} from '@mir/oci';
import { builderFault } from '../fault.ts';
import type { Workshop } from '../workshop.ts';
import { formatImageLocation, type ImageLocation, wantedOf } from './image-location.ts';

const configLimitBytes = 16 << 20;
const manifestLimitBytes = 4 << 20;

/** An image that somebody named, or all images of an index, with what reads their layers. */
export type OpenedImage = {
  readonly location: ImageLocation;
  /** Of what the name stands for: the index's, where there is one. */
  readonly digest: Digest;
  readonly isIndex: boolean;
  /** One, or one for each platform of an index. */
  readonly images: readonly Image[];
  /** Its blobs: from the store where they are here, else from where the image is. */
  readonly blobs: BlobReader;
};

/**
 * Looks an image up, wherever it is: manifests and configurations are read, and no layer.
 *
 * @throws Fault `image/unknown`, those of the registry or the layout
 */
export async function openImage(workshop: Workshop, location: ImageLocation): Promise<OpenedImage> {
  const { blobs } = workshop;
  switch (location.kind) {
    case 'embedded': {
      const stored = await embeddedManifest(workshop, location);
      return { location, blobs, ...(await imagesOf(stored.digest, blobs, stored.mediaType)) };
    }
    case 'oci': {
      const layout = await readLayout(location.directory);
      const { digest, mediaType } = layout.resolve(location.name);
      return { location, blobs: layout.blobs, ...(await imagesOf(digest, layout.blobs, mediaType)) };
    }
    case 'registry': {
      const repository = workshop.registry(location.registry).repository(location.reference.repository);
      const fetched = await fetchImages(repository, wantedOf(location.reference), blobs);
      return { location, blobs: withFallback(blobs, readerOf(repository)), ...fetched };
    }
  }
}

/** The one image of an index that is for a platform; the image itself where there is no index. @throws Fault `image/unknown` */
export function imageForPlatform({ images, location }: OpenedImage, platform: string): Image {
  const [first, ...others] = images;
  const found = images.find((image) => platformOf(image) === platform) ?? (others.length === 0 ? first : undefined);
  if (found !== undefined) return found;
  throw builderFault('image/no-platform', {
    what: `${formatImageLocation(location)} holds no image for ${platform}`,
    subject: platform,
    hint: images.length === 0 ? 'Name another image.' : `It holds ${images.map(platformOf).join(', ')}.`,
  });
}

/** The platform of an image, `linux/amd64`. */
export function platformOf({ config }: Image): string {
  return `${config.os}/${config.architecture}`;
}

/** Reads from the store what is there, and the rest from somewhere else. */
export function withFallback(store: BlobStore, elsewhere: BlobReader): BlobReader {
  const choose = async (digest: Digest) => ((await store.has(digest)) ? store : elsewhere);
  return {
    size: async (digest) => (await store.size(digest)) ?? elsewhere.size(digest),
    read: async function* (digest, range) {
      yield* (await choose(digest)).read(digest, range);
    },
    bytes: async (digest, limitBytes) => (await choose(digest)).bytes(digest, limitBytes),
  };
}

/** The blobs of a repository of a registry. */
export function readerOf(repository: RepositoryClient): BlobReader {
  return {
    size: (digest) => repository.headBlob(digest),
    read: (digest, range) => repository.readBlob(digest, range),
    bytes: async (digest, limitBytes) => {
      const chunks: Uint8Array[] = [];
      let sizeBytes = 0;
      for await (const chunk of repository.readBlob(digest)) {
        sizeBytes += chunk.length;
        if (sizeBytes > limitBytes) throw tooLarge(digest);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
  };
}

async function embeddedManifest(workshop: Workshop, location: ImageLocation & { readonly kind: 'embedded' }) {
  const { repository } = location.reference;
  const stored = await workshop.repositories.getManifest(repository, wantedOf(location.reference));
  if (stored !== undefined) return stored;
  const tags = await workshop.repositories.tags(repository);
  throw builderFault('image/unknown', {
    what: `The embedded registry holds no image ${formatImageLocation(location)}`,
    subject: formatImageLocation(location),
    hint:
      tags.length > 0
        ? `Tags of ${repository}: ${tags.slice(0, 10).join(', ')}.`
        : 'Build it with mir build -t, or name another place: registry://HOST/REPOSITORY:TAG, oci:DIRECTORY:NAME.',
  });
}

async function imagesOf(digest: Digest, blobs: BlobReader, mediaType: string) {
  const bytes = await blobs.bytes(digest, manifestLimitBytes);
  const parsed = parseManifest(bytes, mediaType);
  if (parsed.kind === 'image') {
    const config = await blobs.bytes(parsed.manifest.config.digest, configLimitBytes);
    return { digest, isIndex: false, images: [Image.parse(bytes, config, mediaType)] };
  }
  const listed = parsed.index.manifests.filter(({ platform }) =>
    platforms.some((known) => known === `${platform?.os}/${platform?.architecture}`),
  );
  const images = await Promise.all(
    listed.map(async (one): Promise<Image> => {
      const manifest = await blobs.bytes(one.digest, manifestLimitBytes);
      const child = parseManifest(manifest, one.mediaType);
      if (child.kind === 'index') throw builderFault('image/unknown', nested(digest));
      return Image.parse(manifest, await blobs.bytes(child.manifest.config.digest, configLimitBytes), one.mediaType);
    }),
  );
  return { digest, isIndex: true, images };
}

function tooLarge(digest: Digest) {
  return builderFault('image/unknown', {
    what: `Blob ${digest} is larger than a configuration or manifest can be`,
    subject: digest,
    hint: 'Check that the name is that of a container image.',
  });
}

function nested(digest: Digest) {
  return { what: `The index ${digest} lists another index`, subject: digest, hint: 'Name one of its images.' };
}
