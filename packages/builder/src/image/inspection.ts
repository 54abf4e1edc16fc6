import { arch } from 'node:process';
import type { Platform } from '@mir/core';
import {
  type BlobReader,
  type Digest,
  dockerConfigCredentials,
  fetchImage,
  Image,
  parseManifest,
  parseReference,
  RegistryClient,
  readLayer,
} from '@mir/oci';
import { parse } from 'smol-toml';
import { builderFault } from '../fault.ts';
import { layerAnnotations } from '../layers/image-layers.ts';
import type { Workshop } from '../workshop.ts';
import { lockPath } from './assembly.ts';

const configLimitBytes = 16 << 20;
const lockLimitBytes = 32 << 20;

/** What an image says of itself. */
export type ImageInspection = {
  readonly digest: Digest;
  readonly platform: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly layers: readonly {
    readonly digest: Digest;
    readonly sizeBytes: number;
    readonly role: string;
    readonly content: string;
  }[];
  readonly packages: readonly { readonly name: string; readonly version: string }[];
  /** The lock inside the image, where it has one. */
  readonly lock: string | undefined;
};

/**
 * Looks into an image of the embedded registry (`team/fraud:1`) or of another one (`registry://HOST/REPOSITORY:TAG`).
 *
 * @throws Fault `image/unknown`, those of the registry
 */
export async function inspectImage(workshop: Workshop, name: string): Promise<ImageInspection> {
  return name.startsWith('registry://')
    ? inspectRemote(name.slice('registry://'.length))
    : describe(await embeddedImage(workshop, name), workshop.blobs);
}

async function embeddedImage(workshop: Workshop, name: string): Promise<Image> {
  const reference = parseReference(name);
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  const stored = await workshop.repositories.getManifest(reference.repository, wanted);
  if (stored === undefined || reference.registry !== undefined) {
    const tags = await workshop.repositories.tags(reference.repository);
    throw builderFault('image/unknown', {
      what: `The embedded registry holds no image ${name}`,
      subject: name,
      hint:
        tags.length > 0
          ? `Tags of ${reference.repository}: ${tags.slice(0, 10).join(', ')}.`
          : 'Build it with mir build -t, or name another registry: registry://HOST/REPOSITORY:TAG.',
    });
  }
  const parsed = parseManifest(stored.bytes, stored.mediaType);
  if (parsed.kind !== 'image') throw builderFault('image/unknown', indexHint(name));
  const config = await workshop.blobs.bytes(parsed.manifest.config.digest, configLimitBytes);
  return Image.parse(stored.bytes, config, stored.mediaType);
}

async function inspectRemote(text: string): Promise<ImageInspection> {
  const { registry, repository, tag, digest } = parseReference(text);
  if (registry === undefined)
    throw builderFault('image/unknown', { ...indexHint(text), what: `"${text}" names no registry` });
  const client = new RegistryClient({ registry, credentials: dockerConfigCredentials() });
  try {
    const remote = client.repository(repository);
    const platform: Platform = arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
    const { image } = await fetchImage(remote, digest ?? tag ?? 'latest', platform);
    return await describe(image, { read: (wanted: Digest) => remote.readBlob(wanted) });
  } finally {
    await client.close();
  }
}

async function describe(image: Image, blobs: Pick<BlobReader, 'read'>): Promise<ImageInspection> {
  const lock = await lockOf(image, blobs);
  return {
    digest: image.digest,
    platform: `${image.config.os}/${image.config.architecture}`,
    labels: image.config.config?.Labels ?? {},
    layers: image.layers.map(({ descriptor }) => ({
      digest: descriptor.digest,
      sizeBytes: descriptor.size,
      role: descriptor.annotations?.[layerAnnotations.role] ?? '-',
      content: descriptor.annotations?.[layerAnnotations.content] ?? '',
    })),
    packages: lock === undefined ? [] : packagesOf(lock),
    lock,
  };
}

async function lockOf(image: Image, blobs: Pick<BlobReader, 'read'>): Promise<string | undefined> {
  const top = image.layers.findLast(({ descriptor }) => descriptor.annotations?.[layerAnnotations.role] === 'top');
  if (top === undefined) return undefined;
  for await (const entry of readLayer(blobs.read(top.descriptor.digest), { uncompressedBytes: lockLimitBytes })) {
    if (entry.type !== 'file' || entry.path !== lockPath) continue;
    const parts: Uint8Array[] = [];
    for await (const chunk of entry.content) parts.push(Uint8Array.from(chunk));
    return Buffer.concat(parts).toString();
  }
  return undefined;
}

function packagesOf(lock: string): { name: string; version: string }[] {
  const packages = parse(lock)['packages'];
  if (!Array.isArray(packages)) return [];
  return packages.flatMap((one: unknown) => {
    const { name, version } = (one ?? {}) as Record<string, unknown>;
    return typeof name === 'string' && typeof version === 'string' ? [{ name, version }] : [];
  });
}

function indexHint(name: string) {
  return {
    what: `${name} is an index of several images`,
    subject: name,
    hint: 'Name one of them by its digest: NAME@sha256:….',
  };
}
