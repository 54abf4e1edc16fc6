import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Fault } from '@mir/core';
import { type BlobReader, BlobStore } from './blob-store.ts';
import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';
import { isMissing, newTemporaryPath, newUnfinishedSibling, syncDirectory, writeDurably } from './durable-file.ts';
import type { OciFaultCode } from './fault.ts';
import { Image } from './image/image.ts';
import { configLimitBytes } from './image/image-config.ts';
import type { ImageSet } from './image/image-set.ts';
import { type ImageIndex, manifestLimitBytes, parseManifest } from './image/manifest.ts';
import { mediaTypes } from './media-types.ts';
import { contentOf } from './published-content.ts';

/** An image to put into a layout, and the name under which it stands there (`org.opencontainers.image.ref.name`). */
export type LayoutImage = { readonly image: Image | ImageSet; readonly name?: string };

/** An OCI image layout on disk. */
export type ImageLayout = {
  readonly index: ImageIndex;
  readonly blobs: BlobReader;
  /** The descriptor under a name; without one, the only descriptor there is. @throws Fault `layout/unknown-reference` */
  resolve(name?: string): Descriptor;
  /** The image that a descriptor of this layout refers to. */
  image(descriptor: Descriptor): Promise<Image>;
};

const nameAnnotation = 'org.opencontainers.image.ref.name';
const layoutVersion = '{"imageLayoutVersion":"1.0.0"}';

/**
 * Writes images as an OCI image layout (image-spec, image-layout.md): a new one appears whole, and one that is there gets
 * its index replaced last. An image of the same name is replaced.
 * @param blobs where the layers are
 * @throws Fault `layout/not-a-layout` when the folder holds something else
 */
export async function writeLayout(directory: string, images: readonly LayoutImage[], blobs: BlobReader): Promise<void> {
  const target = resolve(directory);
  const known = await knownIndex(target);
  if (known !== undefined) {
    await addTo(target, known, images, blobs);
    return;
  }
  await mkdir(dirname(target), { recursive: true });
  const unfinished = await newUnfinishedSibling(target);
  try {
    await mkdir(unfinished);
    await addTo(unfinished, { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }, images, blobs);
    await rename(unfinished, target); // an empty folder gives way
  } catch (thrown) {
    await rm(unfinished, { recursive: true, force: true });
    throw thrown;
  }
  await syncDirectory(dirname(target));
}

/** The layout in a folder. @throws Fault `layout/not-a-layout`, `manifest/malformed` */
export async function readLayout(directory: string): Promise<ImageLayout> {
  const index = await knownIndex(resolve(directory));
  if (index === undefined) throw notALayout(directory, 'it is empty or does not exist');
  const blobs = await BlobStore.open(resolve(directory));
  return {
    index,
    blobs,
    resolve: (name) => resolveName(index, name, directory),
    image: async (descriptor) => {
      const manifestBytes = await blobs.bytes(descriptor.digest, manifestLimitBytes);
      const manifest = parseManifest(manifestBytes, descriptor.mediaType);
      if (manifest.kind === 'index')
        throw unknownReference(directory, `${descriptor.digest} lists several images: choose one of them`);
      const configBytes = await blobs.bytes(manifest.manifest.config.digest, configLimitBytes);
      return Image.parse(manifestBytes, configBytes, descriptor.mediaType);
    },
  };
}

/** The index over some images, with the entries that are there and are not replaced. */
export function indexOver(known: ImageIndex, images: readonly LayoutImage[]): ImageIndex {
  const added = images.map(({ image, name }): Descriptor => {
    const descriptor = image.descriptor;
    return name === undefined ? descriptor : { ...descriptor, annotations: { [nameAnnotation]: name } };
  });
  const kept = known.manifests.filter((entry) => !added.some((one) => replaces(one, entry)));
  return { ...known, manifests: [...kept, ...added] };
}

async function addTo(
  directory: string,
  known: ImageIndex,
  images: readonly LayoutImage[],
  blobs: BlobReader,
): Promise<void> {
  const store = await BlobStore.open(directory);
  for (const { image } of images) {
    for (const { digest, sizeBytes, bytes } of contentOf(image)) {
      if (bytes === undefined) await copyBlob(store, digest, sizeBytes, blobs);
      else await store.put(bytes);
    }
  }
  await writeDurably(directory, join(directory, 'oci-layout'), layoutVersion);
  await writeDurably(directory, join(directory, 'index.json'), JSON.stringify(indexOver(known, images)));
  // The folder of unfinished files is no part of a layout. Another process may be using it: then it stays.
  await rmdir(join(directory, 'tmp')).catch(() => {});
}

async function copyBlob(store: BlobStore, digest: Digest, sizeBytes: number, from: BlobReader): Promise<void> {
  if ((await store.size(digest)) === sizeBytes) return;
  if (!(from instanceof BlobStore)) {
    await using writer = await store.write();
    for await (const chunk of from.read(digest)) await writer.write(chunk);
    await writer.commit({ digest, sizeBytes });
    return;
  }
  const unfinished = await newTemporaryPath(store.directory);
  try {
    await from.copy(digest, unfinished);
    await using file = await open(unfinished, 'r');
    await file.sync();
  } catch (thrown) {
    await rm(unfinished, { force: true });
    throw thrown;
  }
  await store.adopt(unfinished, digest);
}

async function knownIndex(directory: string): Promise<ImageIndex | undefined> {
  let names: readonly string[];
  try {
    names = await readdir(directory);
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
  if (names.length === 0) return undefined;
  if (!names.includes('oci-layout') || !names.includes('index.json'))
    throw notALayout(directory, 'it holds other files');
  const parsed = parseManifest(await readFile(join(directory, 'index.json')), mediaTypes.ociIndex);
  if (parsed.kind === 'image') throw notALayout(directory, 'its index.json is not an index');
  return parsed.index;
}

function replaces(added: Descriptor, known: Descriptor): boolean {
  const name = added.annotations?.[nameAnnotation];
  const knownName = known.annotations?.[nameAnnotation];
  return name === knownName && (name !== undefined || added.digest === known.digest);
}

function resolveName(index: ImageIndex, name: string | undefined, directory: string): Descriptor {
  const named =
    name === undefined
      ? index.manifests
      : index.manifests.filter((entry) => entry.annotations?.[nameAnnotation] === name || entry.digest === name);
  const [first, second] = named;
  if (first !== undefined && (name !== undefined || second === undefined)) return first;
  const names = index.manifests.map((entry) => entry.annotations?.[nameAnnotation] ?? entry.digest).join(', ');
  throw unknownReference(
    directory,
    name === undefined
      ? `it holds ${named.length} images (${names})`
      : `it has no "${name}", only ${names || 'nothing'}`,
  );
}

function notALayout(directory: string, why: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('layout/not-a-layout', {
    what: `${directory} is not an OCI image layout: ${why}`,
    subject: directory,
    hint: 'Name a folder that does not exist yet, is empty, or holds an image layout.',
  });
}

function unknownReference(directory: string, why: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('layout/unknown-reference', {
    what: `No single image can be taken from ${directory}: ${why}`,
    subject: directory,
    hint: 'Name one of its images.',
  });
}
