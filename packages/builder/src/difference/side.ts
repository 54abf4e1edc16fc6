import { readFile } from 'node:fs/promises';
import { type Platform, platforms } from '@mir/core';
import type { BlobReader, Digest, Image } from '@mir/oci';
import type { LockedPackage, Target } from '@mir/python';
import type { InstalledDeb } from '../base/base.ts';
import { builderFault } from '../fault.ts';
import { labels } from '../image/contract.ts';
import { formatImageLocation, parseImageLocation } from '../image/image-location.ts';
import { lockInside } from '../image/image-lock-file.ts';
import { machinePlatform } from '../image/inspection.ts';
import { imageForPlatform, type OpenedImage, openImage, platformOf } from '../image/opened-image.ts';
import { readLockedSystem, readPythonLock } from '../lock/image-lock.ts';
import type { Workshop } from '../workshop.ts';

/** One of two things that are compared: an image with its lock, or a lock alone. */
export type Side = {
  readonly name: string;
  readonly platform: string;
  readonly pythonVersion: string;
  readonly base: { readonly name: string; readonly digest: Digest } | undefined;
  readonly packages: readonly LockedPackage[];
  /** .debs that a Debian base is made of; empty for other bases, whose packages no lock lists. */
  readonly basePackages: readonly InstalledDeb[];
  /** .debs on top of the base. */
  readonly osPackages: readonly InstalledDeb[];
  /** Undefined for a lock alone. */
  readonly image: { readonly image: Image; readonly blobs: BlobReader } | undefined;
};

/**
 * Reads what a text names: an image of the embedded registry, `registry://…`, `oci:DIRECTORY:NAME`, or the path of a lock that
 * ends in `.toml`. Of an index, the image for the platform counts.
 *
 * @throws Fault `image/unknown`, `image/no-lock`, `lock/*`
 */
export async function readSide(workshop: Workshop, text: string, platform: Platform | undefined): Promise<Side> {
  if (text.endsWith('.toml')) return sideOfLock(await readLockFile(text), text, platform);
  const opened = await openImage(workshop, parseImageLocation(text));
  const image = imageForPlatform(opened, platform ?? (opened.isIndex ? machinePlatform() : platformOfOnly(opened)));
  const lock = await lockInside(image, opened.blobs);
  const name = formatImageLocation(opened.location);
  if (lock === undefined) {
    throw builderFault('image/no-lock', {
      what: `${name} carries no lock, so that nobody knows which packages are in it`,
      subject: name,
      hint: 'Compare images that mir built.',
    });
  }
  const found = image.config.config?.Labels ?? {};
  const side = sideOfLock(
    lock,
    name,
    platforms.find((known) => known === platformOf(image)),
    found[labels.python],
  );
  const base = side.base === undefined ? undefined : { ...side.base, name: found[labels.baseName] ?? side.base.name };
  return { ...side, base, platform: platformOf(image), image: { image, blobs: opened.blobs } };
}

function sideOfLock(text: string, name: string, platform: Platform | undefined, pythonVersion?: string): Side {
  const system = readLockedSystem(text, name);
  const target = targetOf(text, platform, pythonVersion);
  const { packages } = readPythonLock(text, name, target);
  return {
    name,
    platform: `linux/${target.architecture}`,
    pythonVersion: target.pythonVersion,
    base: system === undefined ? undefined : { name: system.base.name, digest: system.base.digest },
    packages,
    basePackages: system?.base.packages ?? [],
    osPackages: system?.osPackages ?? [],
    image: undefined,
  };
}

/** Whatever a lock was made for: which of its wheels count depends on it only where a lock is for several targets. */
function targetOf(text: string, platform: Platform | undefined, pythonVersion: string | undefined): Target {
  const said = (key: string) => new RegExp(`^${key} = "([^"]+)"$`, 'm').exec(text)?.[1];
  const written = said('requires-python') ?? '';
  const architecture = platform?.slice('linux/'.length) ?? said('architecture') ?? architectureOfWheels(text);
  // The newest C library that there may be: a lock's wheels are the right ones already.
  const isMusl = /musllinux_/.test(text) && !/manylinux/.test(text);
  return {
    pythonVersion: pythonVersion ?? said('python-version') ?? `${/3\.\d+/.exec(written)?.[0] ?? '3.11'}.0`,
    architecture: architecture === 'arm64' ? 'arm64' : 'amd64',
    libc: isMusl ? { family: 'musl', version: '1.9' } : { family: 'glibc', version: '2.99' },
  };
}

function architectureOfWheels(text: string): string {
  return /_aarch64\.whl/.test(text) && !/_x86_64\.whl/.test(text) ? 'arm64' : machinePlatform().slice('linux/'.length);
}

function platformOfOnly({ images }: OpenedImage): string {
  return images[0] === undefined ? machinePlatform() : platformOf(images[0]);
}

async function readLockFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw builderFault('lock/unreadable', {
      what: `${path} cannot be read`,
      subject: path,
      hint: 'Check that the file exists and may be read.',
      cause,
    });
  }
}
