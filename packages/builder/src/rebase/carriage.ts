import {
  type BlobReader,
  type BlobStore,
  type Descriptor,
  type Digest,
  formatReference,
  type Image,
  ImageSet,
  mediaTypes,
  type RepositoryClient,
} from '@mir/oci';
import { withFallback } from '../image/opened-image.ts';
import type { Delivered } from '../output/delivery.ts';
import { writeLocally } from '../output/local-output.ts';
import type { Output } from '../output/output.ts';
import { requireStanding } from '../output/standing.ts';
import type { Workshop } from '../workshop.ts';

/** A place that has some of an image's blobs. */
export type Origin = {
  readonly blobs: BlobReader;
  readonly holds: ReadonlySet<Digest>;
  /** Manifests that refer to all of these blobs: a repository that has them has the blobs, too. */
  readonly manifests?: readonly Digest[];
  /** Where they lie, when that is a registry: another repository of it need not be sent them. */
  readonly repository?: { readonly registry: string; readonly name: string };
};

/**
 * Brings images whose layers lie in several places to where they go, and moves no layer that is there already. Tags come
 * last, so nothing half-done can be seen.
 *
 * @throws Fault of the output or of an origin
 */
export async function carry(
  workshop: Workshop,
  published: Image | ImageSet,
  origins: readonly Origin[],
  output: Output,
): Promise<Delivered> {
  const images = published instanceof ImageSet ? published.images : [published];
  const blobs = withFallback(workshop.blobs, joined(origins, workshop.contents));
  if (output.kind === 'registry') return push(workshop, published, origins, blobs, output);
  if (output.kind === 'embedded') await bringHere(workshop.blobs, images, blobs);
  return writeLocally(workshop, published, output, blobs);
}

async function bringHere(store: BlobStore, images: readonly Image[], blobs: BlobReader): Promise<void> {
  for (const descriptor of layersOf(images)) {
    // One that is cut short counts as absent, as for builds.
    if ((await store.size(descriptor.digest)) === descriptor.size && (await store.touch(descriptor.digest))) continue;
    await using writer = await store.write();
    for await (const chunk of blobs.read(descriptor.digest)) await writer.write(chunk);
    await writer.commit({ digest: descriptor.digest, sizeBytes: descriptor.size });
  }
}

async function push(
  workshop: Workshop,
  published: Image | ImageSet,
  origins: readonly Origin[],
  blobs: BlobReader,
  output: Output & { readonly kind: 'registry' },
): Promise<Delivered> {
  const repository = workshop.registry(output.registry).repository(output.repository);
  const images = published instanceof ImageSet ? published.images : [published];
  let sentBytes = 0;
  const count = (bytes: number) => {
    sentBytes += bytes;
    workshop.report({ type: 'pushed', bytes });
  };
  await workshop.stage('push', async () => {
    const known = await knownIn(repository, origins);
    const layers = layersOf(images)
      .filter(({ digest }) => !known.has(digest))
      .map((layer) => bringLayer(workshop, repository, layer, origins, blobs, count));
    const configurations = images.map(async ({ manifest: { config }, configBytes }) => {
      const mountFrom = sourcesOf(config, repository, origins);
      const uploaded = await repository.uploadBlob(config, () => only(configBytes), { mountFrom, skipCheck: true });
      if (uploaded === 'uploaded') count(config.size);
    });
    await Promise.all([...layers, ...configurations]);
    if (published instanceof ImageSet) {
      for (const image of images) await repository.putManifest(image.digest, image.manifestBytes, image.mediaType);
      await repository.putManifest(output.tag, published.indexBytes, mediaTypes.ociIndex);
    } else {
      await repository.putManifest(output.tag, published.manifestBytes, published.mediaType);
    }
    await requireStanding(repository, output.tag, published, workshop.access);
  });
  const { registry, tag } = output;
  return { name: formatReference({ registry, repository: output.repository, tag }), sentBytes };
}

/** What a repository has for sure, since manifests of its own refer to it: one question for all layers of an image. */
async function knownIn(repository: RepositoryClient, origins: readonly Origin[]): Promise<ReadonlySet<Digest>> {
  const known = origins.map(async ({ holds, manifests, repository: place }) => {
    if (place?.registry !== repository.registry) return [];
    if (place.name === repository.name) return [...holds];
    if (manifests === undefined) return [];
    const found = await Promise.all(manifests.map((digest) => repository.headManifest(digest)));
    return found.every((digest) => digest !== undefined) ? [...holds] : [];
  });
  return new Set((await Promise.all(known)).flat());
}

/** Repositories of the same registry that have a blob. */
function sourcesOf(
  { digest }: Descriptor,
  { registry }: RepositoryClient,
  origins: readonly Origin[],
): readonly string[] {
  return origins
    .filter(({ holds }) => holds.has(digest))
    .flatMap(({ repository }) => (repository?.registry === registry ? [repository.name] : []));
}

/** Small enough that asking whether it is there costs as much as sending it. */
const smallBytes = 64 << 10;

async function bringLayer(
  { layerPool }: Workshop,
  repository: RepositoryClient,
  layer: Descriptor,
  origins: readonly Origin[],
  blobs: BlobReader,
  count: (bytes: number) => void,
): Promise<void> {
  const pooled = layerPool?.registry === repository.registry ? layerPool : undefined;
  await pooled?.shared(layer.digest);
  const sources = [
    ...sourcesOf(layer, repository, origins),
    ...(pooled?.holds(layer.digest) ? [pooled.repository] : []),
  ];
  const isSmall = layer.size <= smallBytes;
  if (!isSmall) for (const name of sources) if (await repository.mountBlob(layer.digest, name)) return;
  const options = isSmall ? { mountFrom: sources, skipCheck: true } : {};
  if ((await repository.uploadBlob(layer, () => blobs.read(layer.digest), options)) !== 'uploaded') return;
  count(layer.size);
  if (pooled !== undefined && sources.includes(pooled.repository)) await pooled.doubt(layer.digest);
}

function layersOf(images: readonly Image[]): readonly Descriptor[] {
  const layers = images.flatMap((image) => image.layers.map(({ descriptor }) => descriptor));
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}

/** What no origin has is of our own making: it is here or in the layer pool. */
function joined(origins: readonly Origin[], own: BlobReader): BlobReader {
  const originOf = (digest: Digest) => origins.find(({ holds }) => holds.has(digest))?.blobs ?? own;
  return {
    size: async (digest) => originOf(digest).size(digest),
    read: (digest, range) => originOf(digest).read(digest, range),
    bytes: async (digest, limitBytes) => originOf(digest).bytes(digest, limitBytes),
  };
}

async function* only(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
