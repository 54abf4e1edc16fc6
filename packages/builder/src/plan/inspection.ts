import { closure } from '@mir/debian';
import type { LockedPackage } from '@mir/python';
import { archiveSettings, archiveSnapshot, openArchive, selectionVersion } from '../base/debian-base.ts';
import { loadJson } from '../layers/facts-blob.ts';
import type { LayerRecord } from '../layers/layer-store.ts';
import type { WheelFacts } from '../layers/wheel-layer.ts';
import { type PackageLayers, wheelLayers } from '../layers/wheel-layers.ts';
import { recallOr } from '../memory.ts';
import { installedIn, osLayers } from '../os-packages/os-packages.ts';
import type { Workshop } from '../workshop.ts';
import { type Collision, collisionProblem, findCollisions } from './collisions.ts';
import { stack } from './layer-budget.ts';
import { findMissingLibraries, glibcProblems, type LibraryIndex, missingLibraryProblems } from './missing-libraries.ts';
import type { Plan } from './plan.ts';
import type { Problem } from './problem.ts';

/** A package and what is known of its wheel's files. */
export type InspectedWheel = { readonly package: LockedPackage; readonly facts: WheelFacts };

function factsOfWheel(workshop: Workshop, record: LayerRecord): Promise<WheelFacts> {
  if (record.facts === undefined) throw new TypeError('the layer of a wheel has no facts');
  return loadJson<WheelFacts>(workshop.contents, record.facts);
}

/**
 * What the wheels' files tell: collisions, missing libraries, a glibc that is too old.
 *
 * @param osLibraries names of libraries that the plan's OS packages bring
 */
export async function inspectWheels(
  workshop: Workshop,
  plan: Plan,
  wheels: readonly InspectedWheel[],
  osLibraries: readonly string[],
): Promise<Problem[]> {
  const linked = wheels.map(({ package: { name }, facts }) => ({ name, libraries: facts.libraries }));
  const system = { names: new Set([...plan.base.libraries, ...osLibraries]), libc: plan.base.target.libc };
  return [
    ...glibcProblems(linked, system),
    ...(await missingLibraryProblems(findMissingLibraries(linked, system), libraryIndex(workshop, plan))),
    ...findCollisionsOf(wheels).map(collisionProblem),
  ];
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

/** What the base's archive knows; it is opened only when something is missing that was not looked for before. */
function libraryIndex(workshop: Workshop, { base }: Plan): LibraryIndex | undefined {
  const { suite, platform } = base;
  if (suite === undefined) return undefined;
  const settings = () => archiveSettings(workshop, suite);
  const open = async () => openArchive(workshop, await settings(), suite, platform);
  const lookUp = async (question: readonly string[], answer: () => Promise<readonly string[]>) => {
    const { identity } = await archiveSnapshot(workshop, await settings(), suite, platform);
    return recallOr(workshop, 'selections', [identity, selectionVersion, ...question], answer);
  };
  return {
    packagesWithLibrary: (soname) =>
      lookUp(['packages with', soname], async () => (await open()).packagesWithLibrary(soname)),
    closureOf: (name) =>
      lookUp(['closure of', name, base.digest], async () => {
        const archive = await open();
        const installed = await installedIn(base, archive);
        try {
          return closure(archive, { names: [name], installed }).map((one) => one.name);
        } catch {
          // A package that cannot be installed here is still the one that holds the library.
          return [name];
        }
      }),
  };
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
  return inspectWheels(workshop, plan, await inspectedWheels(workshop, packages), os.libraries);
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
