import { arch } from 'node:process';
import type { BlobReader, Digest, Image } from '@mir/oci';
import { parse } from 'smol-toml';
import { layerAnnotations, roleOf } from '../layers/image-layers.ts';
import type { Workshop } from '../workshop.ts';
import { parseImageLocation } from './image-location.ts';
import { lockInside } from './image-lock-file.ts';
import { imageForPlatform, openImage, platformOf } from './opened-image.ts';

/** What an image says of itself. */
export type ImageInspection = {
  readonly kind: 'image';
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

/** The images of an index, of which none was asked for in particular. */
export type IndexInspection = {
  readonly kind: 'index';
  readonly digest: Digest;
  readonly images: readonly {
    readonly platform: string;
    readonly digest: Digest;
    readonly layers: number;
    readonly sizeBytes: number;
  }[];
};

/**
 * Looks into an image of the embedded registry (`team/fraud:1`), of another one (`registry://HOST/REPOSITORY:TAG`) or of an OCI
 * image layout (`oci:DIRECTORY:NAME`). Of an index it tells what it lists, or about the image for the platform that is given.
 *
 * @throws Fault `image/unknown`, those of the registry
 */
export async function inspectImage(
  workshop: Workshop,
  name: string,
  platform?: string,
): Promise<ImageInspection | IndexInspection> {
  const opened = await openImage(workshop, parseImageLocation(name));
  if (!opened.isIndex || platform !== undefined) {
    return describe(imageForPlatform(opened, platform ?? machinePlatform()), opened.blobs);
  }
  return {
    kind: 'index',
    digest: opened.digest,
    images: opened.images.map((image) => ({
      platform: platformOf(image),
      digest: image.digest,
      layers: image.layers.length,
      sizeBytes: image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
    })),
  };
}

/** The platform of this machine. */
export function machinePlatform(): 'linux/amd64' | 'linux/arm64' {
  return arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
}

async function describe(image: Image, blobs: BlobReader): Promise<ImageInspection> {
  const lock = await lockInside(image, blobs);
  return {
    kind: 'image',
    digest: image.digest,
    platform: platformOf(image),
    labels: image.config.config?.Labels ?? {},
    layers: image.layers.map(({ descriptor }) => ({
      digest: descriptor.digest,
      sizeBytes: descriptor.size,
      role: roleOf(descriptor) ?? '-',
      content: descriptor.annotations?.[layerAnnotations.content] ?? '',
    })),
    packages: lock === undefined ? [] : packagesOf(lock),
    lock,
  };
}

function packagesOf(lock: string): { name: string; version: string }[] {
  const packages = parse(lock)['packages'];
  if (!Array.isArray(packages)) return [];
  return packages.flatMap((one: unknown) => {
    const { name, version } = (one ?? {}) as Record<string, unknown>;
    return typeof name === 'string' && typeof version === 'string' ? [{ name, version }] : [];
  });
}
