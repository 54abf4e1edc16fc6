import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Fault } from '@mir/core';
import type { BlobReader } from './blob-store.ts';
import { writeWhole } from './blob-writer.ts';
import { type Digest, hexOf } from './digest.ts';
import { newUnfinishedSibling, syncDirectory } from './durable-file.ts';
import type { OciFaultCode } from './fault.ts';
import type { Image } from './image/image.ts';
import { encodeTarHeader, paddingAfter } from './layer/tar-header.ts';
import { indexOver } from './layout.ts';
import { mediaTypes } from './media-types.ts';
import { contentOf } from './published-content.ts';

/** An image for an archive, with the names it gets when loaded: `repository:tag`. */
export type DockerArchiveImage = { readonly image: Image; readonly tags: readonly string[] };

/**
 * Writes what `docker load` takes: a tar archive that is an OCI layout and has Docker's manifest.json besides. Layers are
 * copied as they are. The file appears when it is whole. The same images give the same bytes.
 * @throws Fault `docker-archive/unsupported` for zstd layers, which `docker load` does not take
 */
export async function writeDockerArchive(
  path: string,
  images: readonly DockerArchiveImage[],
  blobs: BlobReader,
): Promise<void> {
  for (const { image } of images) requireLoadable(image);
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
  const unfinished = await newUnfinishedSibling(target);
  try {
    await using file = await open(unfinished, 'wx', 0o644);
    await writeArchive(file, images, blobs);
    await file.sync();
    await rename(unfinished, target);
  } catch (thrown) {
    await rm(unfinished, { force: true });
    throw thrown;
  }
  await syncDirectory(dirname(target));
}

async function writeArchive(file: FileHandle, images: readonly DockerArchiveImage[], blobs: BlobReader): Promise<void> {
  for (const folder of ['blobs', 'blobs/sha256']) await writeWhole(file, header(folder, '5', 0));
  const written = new Set<Digest>();
  for (const { image } of images) {
    for (const { digest, sizeBytes, bytes } of contentOf(image)) {
      if (written.has(digest)) continue;
      written.add(digest);
      await writeFile(file, blobPath(digest), sizeBytes, bytes === undefined ? blobs.read(digest) : [bytes]);
    }
  }
  const named = images.flatMap(({ image, tags }) =>
    tags.length === 0 ? [{ image }] : tags.map((name) => ({ image, name })),
  );
  const index = indexOver({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }, named);
  await writeText(file, 'index.json', JSON.stringify(index));
  await writeText(file, 'manifest.json', JSON.stringify(images.map(loadEntry)));
  await writeText(file, 'oci-layout', '{"imageLayoutVersion":"1.0.0"}');
  await writeWhole(file, new Uint8Array(1024));
}

/** One entry of Docker's manifest.json (Docker image specification v1.2, "Combined Image JSON + Filesystem Changeset"). */
function loadEntry({ image, tags }: DockerArchiveImage): object {
  return {
    Config: blobPath(image.manifest.config.digest),
    RepoTags: tags,
    Layers: image.layers.map(({ descriptor }) => blobPath(descriptor.digest)),
  };
}

async function writeText(file: FileHandle, path: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await writeFile(file, path, bytes.length, [bytes]);
}

async function writeFile(
  file: FileHandle,
  path: string,
  sizeBytes: number,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await writeWhole(file, header(path, '0', sizeBytes));
  let writtenBytes = 0;
  for await (const chunk of chunks) {
    writtenBytes += chunk.length;
    await writeWhole(file, chunk);
  }
  if (writtenBytes !== sizeBytes) {
    throw new Fault<OciFaultCode>('blob/size-mismatch', {
      what: `${path} was to have ${sizeBytes} bytes but has ${writtenBytes}`,
      subject: path,
      hint: 'The stored layer is damaged: remove it from the cache and build again.',
    });
  }
  await writeWhole(file, new Uint8Array(paddingAfter(sizeBytes)));
}

function header(path: string, typeFlag: '0' | '5', sizeBytes: number): Uint8Array {
  return encodeTarHeader({
    path,
    typeFlag,
    mode: typeFlag === '5' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    sizeBytes,
    mtimeSeconds: 0,
  });
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function requireLoadable(image: Image): void {
  const zstd = image.layers.find(({ descriptor }) => descriptor.mediaType === mediaTypes.ociLayerZstd);
  if (zstd === undefined) return;
  throw new Fault<OciFaultCode>('docker-archive/unsupported', {
    what: `Layer ${zstd.descriptor.digest} is compressed with zstd, which \`docker load\` does not take`,
    subject: zstd.descriptor.digest,
    hint: 'Push the image to a registry or write an OCI layout, or choose a base image with gzip layers.',
  });
}
