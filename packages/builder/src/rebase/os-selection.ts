import { isFault } from '@mir/core';
import { closure, packagesAtHand, type Suite } from '@mir/debian';
import type { Base, InstalledDeb } from '../base/base.ts';
import { installedDeb, selectionVersion } from '../base/debian-base.ts';
import { factsOf, packageLayers } from '../layers/package-layers.ts';
import { recallOr } from '../memory.ts';
import { lockedOsPackages, type OsSelection, packagesOfStatus, selectOsPackages } from '../os-packages/os-packages.ts';
import type { Workshop } from '../workshop.ts';

/**
 * The OS packages of an image for another base of the same release: those of its lock that the base does not hold, where
 * they go together with it; else the same packages as the archive has them now.
 *
 * @throws Fault `closure/*` when they do not go together with the base at all
 */
export async function osSelectionOn(
  workshop: Workshop,
  base: Base,
  locked: readonly InstalledDeb[],
): Promise<OsSelection> {
  if (locked.length === 0) return lockedOsPackages(workshop, base, locked);
  const fitting = await fittingPackages(workshop, base, locked);
  if (fitting !== null) return lockedOsPackages(workshop, base, fitting);
  return selectOsPackages(
    workshop,
    base,
    locked.map(({ name }) => name),
  );
}

/** The locked packages to put on the base; null where the base has others than they need. */
function fittingPackages(
  workshop: Workshop,
  base: Base,
  locked: readonly InstalledDeb[],
): Promise<readonly InstalledDeb[] | null> {
  const inputs = ['fitting', selectionVersion, base.digest, ...locked.map(({ sha256 }) => sha256)];
  return recallOr(workshop, 'selections', inputs, () => chooseFitting(workshop, base, locked));
}

async function chooseFitting(
  workshop: Workshop,
  base: Base,
  locked: readonly InstalledDeb[],
): Promise<readonly InstalledDeb[] | null> {
  const { packages, proxy } = await lockedOsPackages(workshop, base, locked);
  const layers = await packageLayers(workshop, packages, base.mergedUsr, proxy, { isShared: true });
  const facts = await factsOf(workshop, layers);
  const debs = facts.flatMap((one, at) => {
    const place = packages[at];
    return place === undefined ? [] : [{ facts: one, place }];
  });
  try {
    const chosen = closure(packagesAtHand(base.suite ?? ('' as Suite), debs), {
      names: packages.map(({ name }) => name),
      installed: packagesOfStatus(await base.state()),
    });
    return chosen.map(installedDeb);
  } catch (thrown) {
    if (isFault(thrown) && thrown.code.startsWith('closure/')) return null;
    throw thrown;
  }
}
