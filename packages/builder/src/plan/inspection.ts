import type { LockedPackage } from '@mir/python';
import { archiveSettings, archiveSnapshot } from '../base/debian-base.ts';
import { loadJson } from '../layers/facts-blob.ts';
import type { LayerRecord } from '../layers/layer-store.ts';
import type { WheelFacts } from '../layers/wheel-layer.ts';
import { type PackageLayers, wheelLayers } from '../layers/wheel-layers.ts';
import { installedIn, osLayers } from '../os-packages/os-packages.ts';
import type { Workshop } from '../workshop.ts';
import { type Collision, collisionProblem, findCollisions } from './collisions.ts';
import { stack } from './layer-budget.ts';
import { libraryIndex } from './library-index.ts';
import { findMissingLibraries, glibcProblems, missingLibraryProblems } from './missing-libraries.ts';
import type { Plan } from './plan.ts';
import type { Problem } from './problem.ts';

/** A package and what is known of its wheel's files. */
export type InspectedWheel = { readonly package: LockedPackage; readonly facts: WheelFacts };

function factsOfWheel(workshop: Workshop, record: LayerRecord): Promise<WheelFacts> {
  if (record.facts === undefined) throw new TypeError('the layer of a wheel has no facts');
  return loadJson<WheelFacts>(workshop.contents, record.facts);
}

/**
 * What the wheels' files tell, as warnings: collisions, and missing libraries with the packages that bring them.
 *
 * @param osLibraries names of libraries that the plan's OS packages bring
 */
export async function warningsAbout(
  workshop: Workshop,
  plan: Plan,
  wheels: readonly InspectedWheel[],
  collisions: readonly Collision[],
  osLibraries: readonly string[],
): Promise<Problem[]> {
  const missing = findMissingLibraries(wheels.map(linkedOf), systemOf(plan, osLibraries));
  return [
    ...(await missingLibraryProblems(
      missing,
      libraryIndex(workshop, { ...plan.base, installed: (archive) => installedIn(plan.base, archive) }),
    )),
    ...collisions.map(collisionProblem),
  ];
}

/** What makes an image of these wheels impossible: a glibc that is too old. */
export function errorsAbout(plan: Plan, wheels: readonly InspectedWheel[]): Problem[] {
  return glibcProblems(wheels.map(linkedOf), systemOf(plan, []));
}

function linkedOf({ package: { name }, facts }: InspectedWheel) {
  return { name, libraries: facts.libraries };
}

function systemOf({ base }: Plan, osLibraries: readonly string[]) {
  return { names: new Set([...base.libraries, ...osLibraries]), libc: base.target.libc };
}

/**
 * Reads the archive's index of libraries ahead of the question who brings a missing one: the first time it is a download of 11 MB,
 * for which there is time while wheels are converted.
 */
export async function prepareLibraryIndex(workshop: Workshop, { suite, platform }: Plan['base']): Promise<void> {
  if (suite === undefined) return;
  const snapshot = await archiveSnapshot(workshop, await archiveSettings(workshop, suite), suite, platform);
  await snapshot.packagesWithLibrary('');
}

/** Files that two of the wheels install differently. */
export function findCollisionsOf(wheels: readonly InspectedWheel[]): readonly Collision[] {
  return findCollisions(stacked(wheels));
}

function stacked(wheels: readonly InspectedWheel[]) {
  const items = wheels.map(({ package: { name, wheel }, facts }) => ({
    name,
    sizeBytes: wheel.sizeBytes,
    files: facts.files.filter(([path]) => !path.includes('.dist-info/')),
  }));
  const { own, bundles } = stack(items);
  return [...own, ...bundles.flat()];
}

/**
 * Looks into everything that a plan would put into the image, as a build does, without making an image. What has to be
 * fetched for that is kept: the build that follows does not fetch it again.
 */
export async function inspectPlan(workshop: Workshop, plan: Plan): Promise<Problem[]> {
  const { python } = plan.lock;
  const [os, packages] = await Promise.all([
    workshop.stage('os-packages', () => osLayers(workshop, plan.base, plan.osSelection)),
    workshop.stage('wheels', () => wheelLayers(workshop, python.packages, python.target.pythonVersion, undefined)),
  ]);
  const wheels = await inspectedWheels(workshop, packages);
  return [
    ...errorsAbout(plan, wheels),
    ...(await warningsAbout(workshop, plan, wheels, findCollisionsOf(wheels), os.libraries)),
  ];
}

/** What was kept of the wheels when their layers were made. */
export function inspectedWheels(
  workshop: Workshop,
  packages: readonly PackageLayers[],
): Promise<readonly InspectedWheel[]> {
  return Promise.all(
    packages.map(async (one) => ({ package: one.package, facts: await factsOfWheel(workshop, one.wheel) })),
  );
}
