import { Fault, type Platform, platforms } from '@mir/core';
import type { BlobReader, BlobStore } from '../blob-store.ts';
import { requireAsExpected } from '../blob-writer.ts';
import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import type { OciFaultCode } from '../fault.ts';
import { Image } from '../image/image.ts';
import { configLimitBytes } from '../image/image-config.ts';
import { parseManifest } from '../image/manifest.ts';
import { isForeignLayerType } from '../media-types.ts';
import { forEachConcurrently } from './concurrency.ts';
import type { TransferProgress } from './push.ts';
import type { FetchedManifest, RepositoryClient } from './repository-client.ts';

/** How an image is pulled. */
export type PullOptions = {
  /** Which one to take of an index. */
  readonly platform: Platform;
  /** How many layers move at once. Default: 6. */
  readonly concurrency?: number;
  readonly onProgress?: (progress: TransferProgress) => void;
};

/** An image and the digest that its reference named: the index's, when there is one. */
export type PulledImage = { readonly image: Image; readonly digest: Digest };

/**
 * The image that a tag or digest names, without its layers: manifest and configuration only.
 * @param known where a configuration may be already: then it is not asked for
 * @throws Fault `manifest/unknown`, `manifest/no-such-platform`, and those of parsing and transfer
 */
export async function fetchImage(
  repository: RepositoryClient,
  reference: string,
  platform: Platform,
  known?: BlobReader,
): Promise<PulledImage> {
  const named = await requireManifest(repository, reference);
  const parsed = parseManifest(named.bytes, named.mediaType);
  const chosen =
    parsed.kind === 'image'
      ? named
      : await requireManifest(repository, choose(parsed.index.manifests, platform, reference).digest);
  const image = await imageOfManifest(repository, chosen, reference, known);
  if (`${image.config.os}/${image.config.architecture}` !== platform) {
    throw noSuchPlatform(reference, platform, `it is for ${image.config.os}/${image.config.architecture}`);
  }
  return { image, digest: named.digest };
}

/** All images that a tag or digest names: one, or those that its index lists for platforms that images are made for. */
export async function fetchImages(
  repository: RepositoryClient,
  reference: string,
  known?: BlobReader,
): Promise<{ readonly images: readonly Image[]; readonly digest: Digest; readonly isIndex: boolean }> {
  const named = await requireManifest(repository, reference);
  const parsed = parseManifest(named.bytes, named.mediaType);
  const manifests =
    parsed.kind === 'image'
      ? [named]
      : await Promise.all(
          parsed.index.manifests
            .filter((descriptor) => platforms.some((platform) => platform === platformOf(descriptor)))
            .map(({ digest }) => requireManifest(repository, digest)),
        );
  const images = await Promise.all(manifests.map((one) => imageOfManifest(repository, one, reference, known)));
  return { images, digest: named.digest, isIndex: parsed.kind === 'index' };
}

async function imageOfManifest(
  repository: RepositoryClient,
  manifest: FetchedManifest,
  reference: string,
  known: BlobReader | undefined,
): Promise<Image> {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.kind === 'index') throw nestedIndex(reference);
  const { config } = parsed.manifest;
  if (config.size > configLimitBytes) {
    throw new Fault<OciFaultCode>('blob/too-large', {
      what: `The configuration of ${reference} is said to have ${config.size} bytes`,
      subject: reference,
      hint: 'Check that the reference names a container image and not another kind of artifact.',
    });
  }
  const isHere = (await known?.size(config.digest)) !== undefined;
  const chunks: Uint8Array[] = [];
  const content = known !== undefined && isHere ? known.read(config.digest) : repository.readBlob(config.digest);
  for await (const chunk of content) chunks.push(chunk);
  return Image.parse(manifest.bytes, Buffer.concat(chunks), manifest.mediaType);
}

/** Brings an image with its layers into a blob store: streamed, verified, and only what is missing. */
export async function pullImage(
  repository: RepositoryClient,
  reference: string,
  store: BlobStore,
  options: PullOptions,
): Promise<PulledImage> {
  const pulled = await fetchImage(repository, reference, options.platform, store);
  await pullLayers(repository, pulled.image, store, options);
  return pulled;
}

/** Brings an image that was fetched, and its layers, into a blob store: streamed, verified, and only what is missing. */
export async function pullLayers(
  repository: RepositoryClient,
  image: Image,
  store: BlobStore,
  options: Omit<PullOptions, 'platform'> = {},
): Promise<void> {
  const reference = `${repository.registry}/${repository.name}@${image.digest}`;
  const layers = new Map(image.layers.map(({ descriptor }) => [descriptor.digest, descriptor]));
  const foreign = [...layers.values()].find((descriptor) => isForeignLayerType(descriptor.mediaType));
  if (foreign !== undefined) {
    throw new Fault<OciFaultCode>('manifest/unsupported', {
      what: `${reference} has a layer that its registry may not distribute (${foreign.digest})`,
      subject: reference,
      hint: 'Choose an image without foreign layers: they exist for Windows only.',
    });
  }
  await forEachConcurrently([...layers.values()], options.concurrency ?? 6, (descriptor) =>
    pullLayer(repository, descriptor, store, options),
  );
  await store.put(image.configBytes);
  await store.put(image.manifestBytes);
}

async function pullLayer(
  repository: RepositoryClient,
  descriptor: Descriptor,
  store: BlobStore,
  options: Omit<PullOptions, 'platform'>,
): Promise<void> {
  const facts = { digest: descriptor.digest, sizeBytes: descriptor.size };
  if (await store.touch(descriptor.digest)) {
    // A manifest that lies about a size would go on lying in the images made on it.
    const sizeBytes = await store.size(descriptor.digest);
    if (sizeBytes !== undefined) requireAsExpected({ digest: descriptor.digest, sizeBytes }, facts);
    options.onProgress?.({ ...facts, doneBytes: descriptor.size, outcome: 'present' });
    return;
  }
  await using writer = await store.write();
  let doneBytes = 0;
  for await (const chunk of repository.readBlob(descriptor.digest)) {
    await writer.write(chunk);
    doneBytes += chunk.length;
    options.onProgress?.({ ...facts, doneBytes });
  }
  await writer.commit({ digest: descriptor.digest, sizeBytes: descriptor.size });
  options.onProgress?.({ ...facts, doneBytes, outcome: 'downloaded' });
}

function choose(manifests: readonly Descriptor[], platform: Platform, reference: string): Descriptor {
  const found = manifests.find((descriptor) => platformOf(descriptor) === platform);
  if (found !== undefined) return found;
  const offered = manifests.map(platformOf).filter((name) => name !== undefined && !name.startsWith('unknown'));
  throw noSuchPlatform(reference, platform, `it is offered for ${[...new Set(offered)].join(', ') || 'no platform'}`);
}

function platformOf(descriptor: Descriptor): string | undefined {
  return descriptor.platform === undefined
    ? undefined
    : `${descriptor.platform.os}/${descriptor.platform.architecture}`;
}

async function requireManifest(repository: RepositoryClient, reference: string) {
  const manifest = await repository.getManifest(reference);
  if (manifest !== undefined) return manifest;
  throw new Fault<OciFaultCode>('manifest/unknown', {
    what: `Registry ${repository.registry} has no image ${repository.name} under ${reference}`,
    subject: `${repository.registry}/${repository.name}`,
    hint: 'Check repository and tag; a private image may need credentials to be seen at all.',
  });
}

function nestedIndex(reference: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('manifest/unsupported', {
    what: `The index ${reference} lists another index`,
    subject: reference,
    hint: 'Name one of the images by its digest.',
  });
}

function noSuchPlatform(reference: string, platform: Platform, why: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('manifest/no-such-platform', {
    what: `${reference} cannot be had for ${platform}: ${why}`,
    subject: reference,
    hint: 'Choose another platform or an image that is made for this one.',
  });
}
