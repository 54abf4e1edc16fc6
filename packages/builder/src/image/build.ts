import type { Descriptor, Image } from '@mir/oci';
import { builderFault } from '../fault.ts';
import { imageLayer } from '../layers/image-layers.ts';
import { wheelLayers } from '../layers/wheel-layers.ts';
import { compareDotted } from '../libraries/elf.ts';
import { osLayers } from '../os-packages/os-packages.ts';
import {
  errorsAbout,
  findCollisionsOf,
  type InspectedWheel,
  inspectedWheels,
  prepareLibraryIndex,
  warningsAbout,
} from '../plan/inspection.ts';
import { neededLibraries } from '../plan/missing-libraries.ts';
import type { Plan } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import type { Workshop } from '../workshop.ts';
import { assemble, earlyBundles, stackPackages } from './assembly.ts';
import { recallImage, rememberImage } from './image-memory.ts';

/** An image whose layers need not be made any more, and what was noticed while making it. */
export type BuiltImage = { readonly image: Image; readonly problems: readonly Problem[] };

/** Told of layers that the image will have, as soon as they need not be made any more; not of all of them. */
export type LayerListener = (layer: Descriptor) => void;

/**
 * Makes the image of a plan. Its blobs are in the workshop's store afterwards, or its layers in the layer pool; which repositories name
 * it is the caller's affair. The same lock is answered from memory.
 *
 * @throws Fault of the wheels, the packages or the network; `plan/glibc-too-old`
 */
export async function buildImage(
  workshop: Workshop,
  plan: Plan,
  onLayer: LayerListener = () => undefined,
): Promise<BuiltImage> {
  const known = await recallImage(workshop, plan);
  const isShared = known === undefined || workshop.layerPool?.covers(known.image.digest) !== false;
  if (known !== undefined && isShared) return { ...known, problems: [...plan.problems, ...known.problems] };
  for (const { descriptor } of plan.base.image.layers) onLayer(descriptor);
  // Who wants to know what it says asks again, and is told what is wrong.
  if (mayNeedLibraries(plan)) prepareLibraryIndex(workshop, plan.base).catch(() => undefined);
  const { own } = stackPackages(plan.lock.python.packages);
  const standsAlone = new Set(own.map(({ name }) => name));
  const bundled =
    plan.compiler === undefined
      ? earlyBundles(workshop, plan.lock.python.packages, ({ descriptor }) => onLayer(descriptor))
      : undefined;
  const [os, packages] = await Promise.all([
    workshop.stage('os-packages', () => osLayers(workshop, plan.base, plan.osSelection)),
    workshop.stage('wheels', () =>
      wheelLayers(workshop, plan.lock.python.packages, plan.base.target.pythonVersion, plan.compiler, (name, layer) => {
        if (standsAlone.has(name)) onLayer(imageLayer(layer, 'wheel').descriptor);
        else bundled?.(name, layer);
      }),
    ),
  ]);
  return workshop.stage('assemble', async () => {
    const wheels = await inspectedWheels(workshop, packages);
    refuseErrors(errorsAbout(plan, wheels));
    const collisions = findCollisionsOf(wheels);
    const [problems, image] = await Promise.all([
      warningsAbout(workshop, plan, wheels, collisions, os.libraries),
      assemble(workshop, plan, {
        osLayers: os.layers,
        packages,
        collisions,
        needs: {
          glibc: highestGlibc(wheels),
          libraries: neededLibraries(wheels.map(({ facts }) => facts)),
        },
        osLibraries: os.libraries,
      }),
    ]);
    await workshop.blobs.put(image.configBytes);
    await workshop.blobs.put(image.manifestBytes);
    await rememberImage(workshop, plan, { image, problems });
    workshop.layerPool?.cover(image.digest);
    return { image, problems: [...plan.problems, ...problems] };
  });
}

/** Whether a wheel that is not known yet may ask for libraries that nothing else brings: one for any platform has no programs. */
function mayNeedLibraries({ items, lock }: Plan): boolean {
  const unknown = new Set(items.filter(({ kind, isHere }) => kind === 'wheel' && !isHere).map(({ name }) => name));
  return lock.python.packages.some(({ name, wheel }) => unknown.has(name) && !wheel.filename.endsWith('-any.whl'));
}

function refuseErrors(problems: readonly Problem[]): void {
  const error = problems.find(({ severity }) => severity === 'error');
  if (error === undefined) return;
  throw builderFault(`plan/${error.code}`, { what: error.message, hint: error.fix });
}

function highestGlibc(wheels: readonly InspectedWheel[]): string | undefined {
  return wheels
    .flatMap(({ facts }) => facts.libraries.glibc ?? [])
    .reduce<string | undefined>((a, b) => (a === undefined || compareDotted(b, a) > 0 ? b : a), undefined);
}
