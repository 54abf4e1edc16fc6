import { type Architecture, isFault } from '@mir/core';
import { type BlobReader, type Image, type ImageLayer, isDigest } from '@mir/oci';
import type { LockedPackage, Target } from '@mir/python';
import { builderFault } from '../fault.ts';
import { labels, type SystemNeeds } from '../image/contract.ts';
import { isLockOf, lockInside } from '../image/image-lock-file.ts';
import { imageLayer, type LayerRole, layerAnnotations, roleOf } from '../layers/image-layers.ts';
import { type LockedSystem, readLockedSystem, readPythonLock } from '../lock/image-lock.ts';

/** An image that we built, read back: what it is made of, and what its packages need of a base. */
export type OwnImage = {
  readonly image: Image;
  readonly architecture: Architecture;
  readonly packages: readonly LockedPackage[];
  readonly system: LockedSystem;
  /** Wheels, bytecode and bundles, as they stand in the image. */
  readonly packageLayers: readonly ImageLayer[];
  /** The base that it stands on, as far as its packages depend on it. */
  readonly target: Target;
  readonly baseName: string;
  readonly distribution: string;
  readonly needs: SystemNeeds;
  /** Libraries that were missing already when it was built. */
  readonly missing: readonly string[];
};

/** The layers that a build puts on a base, from the lowest to the highest. */
const order: readonly (readonly LayerRole[])[] = [['os'], ['venv'], ['wheel', 'bytecode', 'bundle'], ['top']];

/**
 * Reads an image back from its manifest, its configuration and the lock in its top layer.
 *
 * @throws Fault `image/no-lock` when it is not, or not only, what a build of ours makes
 */
export async function readOwnImage(image: Image, blobs: BlobReader, name: string): Promise<OwnImage> {
  const lock = await lockInside(image, blobs);
  const found = image.config.config?.Labels ?? {};
  const { architecture } = image.config;
  if (lock === undefined || !isLockOf(image, lock) || (architecture !== 'amd64' && architecture !== 'arm64')) {
    throw notOurs(name, 'it carries no lock of a build');
  }
  const target = targetOf(found, architecture);
  const system = readLockedSystem(lock, name);
  if (target === undefined || system === undefined) throw notOurs(name, 'its labels do not say what it was built on');
  return {
    image,
    architecture,
    packages: packagesOf(lock, name, target),
    system,
    packageLayers: packageLayersOf(image, name),
    target,
    baseName: found[labels.baseName] ?? system.base.name,
    distribution: found[labels.distribution] ?? '',
    needs: {
      glibc: found[labels.libcNeeded]?.replace(/^glibc /, ''),
      libraries: listed(found[labels.librariesNeeded]),
    },
    missing: listed(found[labels.librariesMissing]),
  };
}

function targetOf(found: Readonly<Record<string, string>>, architecture: Architecture): Target | undefined {
  const [, family, version] = /^(glibc|musl) (\S+)$/.exec(found[labels.libc] ?? '') ?? [];
  const pythonVersion = found[labels.python];
  const isComplete = version !== undefined && pythonVersion !== undefined && isDigest(found[labels.baseDigest] ?? '');
  if (!isComplete || (family !== 'glibc' && family !== 'musl')) return undefined;
  return { pythonVersion, architecture, libc: { family, version } };
}

function packagesOf(lock: string, name: string, target: Target): readonly LockedPackage[] {
  try {
    return readPythonLock(lock, name, target).packages;
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    throw notOurs(name, thrown.message);
  }
}

/** The layers between environment and lock. Whatever else stands there was put by somebody else, and would be lost. */
function packageLayersOf(image: Image, name: string): ImageLayer[] {
  const roles = image.layers.map(({ descriptor }) => roleOf(descriptor));
  let at = roles.length - 1;
  const taken = [...order].reverse().map((allowed) => {
    const end = at;
    while (at >= 0 && allowed.some((role) => role === roles[at])) at -= 1;
    return image.layers.slice(at + 1, end + 1);
  });
  const [top = [], packages = [], environment = []] = taken;
  const isBelowAllBase = roles.slice(0, at + 1).every((role) => role === undefined || role === 'base');
  if (top.length !== 1 || environment.length !== 1 || !isBelowAllBase) {
    throw notOurs(name, 'layers were added to it or taken from it');
  }
  return packages.map(asBuilt);
}

/** A layer as a build writes it down, so that nothing of the way it took remains. */
function asBuilt({ descriptor, diffId }: ImageLayer): ImageLayer {
  const role = roleOf(descriptor) as LayerRole;
  const content = descriptor.annotations?.[layerAnnotations.content];
  return imageLayer({ digest: descriptor.digest, diffId, sizeBytes: descriptor.size }, role, content);
}

function listed(text: string | undefined): readonly string[] {
  return (text ?? '').split(' ').filter((word) => word !== '');
}

function notOurs(name: string, why: string) {
  return builderFault('image/no-lock', {
    what: `${name} is not an image as mir build makes it: ${why}`,
    subject: name,
    hint: 'Build it again from its requirements: mir build -r requirements.txt --base BASE -t NAME.',
  });
}
