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

/** A place that has some of an image's layers. */
export type Origin = {
  readonly blobs: BlobReader;
  readonly layers: ReadonlySet<Digest>;
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
    const layers = layersOf(images).map((layer) => bringLayer(workshop, repository, layer, origins, blobs, count));
    const configurations = images.map(async ({ manifest: { config }, configBytes }) => {
      const uploaded = await repository.uploadBlob(config, () => only(configBytes), { skipCheck: true });
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
  const near = origins
    .filter((origin) => origin.layers.has(layer.digest))
    .flatMap((origin) => origin.repository ?? [])
    .filter(({ registry }) => registry === repository.registry);
  // A manifest of this very repository refers to it: the registry has it.
  if (near.some(({ name }) => name === repository.name)) return;
  const pooled = layerPool?.registry === repository.registry ? layerPool : undefined;
  await pooled?.shared(layer.digest);
  const sources = [...near.map(({ name }) => name), ...(pooled?.holds(layer.digest) ? [pooled.repository] : [])];
  for (const name of sources) if (await repository.mountBlob(layer.digest, name)) return;
  const skipCheck = layer.size <= smallBytes;
  const outcome = await repository.uploadBlob(layer, () => blobs.read(layer.digest), { skipCheck });
  if (outcome === 'uploaded') count(layer.size);
}

function layersOf(images: readonly Image[]): readonly Descriptor[] {
  const layers = images.flatMap((image) => image.layers.map(({ descriptor }) => descriptor));
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}

/** What no origin has is of our own making: it is here or in the layer pool. */
function joined(origins: readonly Origin[], own: BlobReader): BlobReader {
  const originOf = (digest: Digest) => origins.find(({ layers }) => layers.has(digest))?.blobs ?? own;
  return {
    size: async (digest) => originOf(digest).size(digest),
    read: (digest, range) => originOf(digest).read(digest, range),
    bytes: async (digest, limitBytes) => originOf(digest).bytes(digest, limitBytes),
  };
}

async function* only(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
