import { type Fault, isFault } from '@mir/core';
import type { Image } from '@mir/oci';
import type { Base, BaseOutline } from '../base/base.ts';
import { installedDeb } from '../base/debian-base.ts';
import { builderFault } from '../fault.ts';
import { stackImage } from '../image/assembly.ts';
import { type ImageLock, lockDigest } from '../lock/image-lock.ts';
import { type OsLayers, type OsSelection, osLayers } from '../os-packages/os-packages.ts';
import type { Workshop } from '../workshop.ts';
import { type BrokenPoint, brokenPoints, layerPoints, libraryPoints } from './broken-points.ts';
import { osSelectionOn } from './os-selection.ts';
import type { OwnImage } from './own-image.ts';

/** An image on its new base. Its package layers are where they were; the rest is in the workshop's store. */
export type RebasedImage = {
  readonly image: Image;
  readonly own: OwnImage;
  readonly base: Base;
  readonly lock: ImageLock;
};

/**
 * Puts an image on another base: layers of wheels and bytecode as they are, what belongs to the base made anew. The result is
 * the image that a build of the same lock on that base gives, to the digest.
 *
 * @throws Fault `rebase/refused` with every point of the contract that the base breaks
 */
export async function rebaseImage(workshop: Workshop, own: OwnImage, base: Base, name: string): Promise<RebasedImage> {
  refuse([...brokenPoints(own, base), ...layerPoints(own, base)], base, name);
  const { selection, os } = await deriveOsLayers(workshop, own, base, name);
  refuse(libraryPoints(own, base, os.libraries), base, name);
  const lock: ImageLock = {
    python: { target: base.target, packages: own.packages, createdBy: 'mir rebase' },
    bytecodeCompiler: own.system.bytecodeCompiler,
    base: { name: base.name, digest: base.digest, packages: base.packages },
    osPackages: selection.packages.map(installedDeb),
  };
  const image = await stackImage(workshop, {
    base,
    lock,
    digest: lockDigest(lock),
    osLayers: os.layers,
    osLibraries: os.libraries,
    packageLayers: own.packageLayers,
    needs: own.needs,
  });
  return { image, own, base, lock };
}

async function deriveOsLayers(
  workshop: Workshop,
  own: OwnImage,
  base: Base,
  name: string,
): Promise<{ readonly selection: OsSelection; readonly os: OsLayers }> {
  try {
    const selection = await osSelectionOn(workshop, base, own.system.osPackages);
    return { selection, os: await osLayers(workshop, base, selection) };
  } catch (thrown) {
    // Not to be reached, damaged and the like is not the base's fault.
    if (!isFault(thrown) || !/^(closure|debian)\//.test(thrown.code)) throw thrown;
    const fix = 'rebuild from the requirements with the OS packages that this base needs';
    throw refusal(
      [{ what: `its OS packages cannot be put on ${base.name}: ${thrown.message}`, fix }],
      base.name,
      name,
      thrown,
    );
  }
}

/** Refuses what can be refused before the new base is made or pulled. @throws Fault `rebase/refused` */
export function refuseBroken(own: OwnImage, base: BaseOutline, name: string): void {
  refuse(brokenPoints(own, base), base, name);
}

function refuse(points: readonly BrokenPoint[], base: BaseOutline, name: string): void {
  if (points.length > 0) throw refusal(points, base.name, name);
}

/** The fault that lists what a base breaks. */
export function refusal(points: readonly BrokenPoint[], baseName: string, name: string, cause?: Fault): Fault {
  const lines = points.map(({ what, fix }) => `  - ${what}: ${fix}`);
  return builderFault('rebase/refused', {
    what: [`${name} cannot be put on ${baseName}`, ...lines].join('\n'),
    subject: name,
    hint: `Nothing was changed. To rebuild: mir build -r requirements.txt --base ${baseName} -t NAME.`,
    ...(cause !== undefined && { cause }),
  });
}
