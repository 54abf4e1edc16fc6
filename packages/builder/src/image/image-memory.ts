import { configurationVersion, debConverterVersion } from '@mir/debian';
import { type Digest, Image, parseManifest } from '@mir/oci';
import { wheelConverterVersion } from '@mir/python';
import { bytecodeLayerVersion } from '../layers/bytecode-layer.ts';
import { recall, remember } from '../memory.ts';
import type { Plan } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import type { Workshop } from '../workshop.ts';

/** Raised whenever the same lock would give another image. */
const assemblyVersion = 3;
const limitBytes = 32 << 20;

type Memory = { readonly manifest: Digest; readonly problems: readonly Problem[] };

/** The image of a lock, when it was made before and all its blobs are still there, or its layers in the layer pool. */
export async function recallImage(
  workshop: Workshop,
  plan: Plan,
): Promise<{ readonly image: Image; readonly problems: readonly Problem[] } | undefined> {
  const memory = recall<Memory>(workshop, 'images', inputsOf(plan));
  if (memory === undefined || (await workshop.blobs.size(memory.manifest)) === undefined) return undefined;
  const manifestBytes = await workshop.blobs.bytes(memory.manifest, limitBytes);
  const parsed = parseManifest(manifestBytes);
  if (parsed.kind !== 'image') return undefined;
  const config = parsed.manifest.config.digest;
  if ((await workshop.blobs.size(config)) === undefined) return undefined;
  const image = Image.parse(manifestBytes, await workshop.blobs.bytes(config, limitBytes));
  const sizes = await Promise.all(image.layers.map(({ descriptor }) => workshop.blobs.size(descriptor.digest)));
  const isWhole = image.layers.every(
    ({ descriptor }, at) => sizes[at] === descriptor.size || workshop.layerPool?.holds(descriptor.digest) === true,
  );
  return isWhole ? { image, problems: memory.problems } : undefined;
}

/** Remembers which image a lock gave. Forgetting it costs a second, no more. */
export async function rememberImage(
  workshop: Workshop,
  plan: Plan,
  made: { readonly image: Image; readonly problems: readonly Problem[] },
): Promise<void> {
  await remember(workshop, 'images', inputsOf(plan), { manifest: made.image.digest, problems: made.problems });
}

function inputsOf(plan: Plan): string[] {
  const debVersions = [debConverterVersion, configurationVersion];
  const versions = [wheelConverterVersion, ...debVersions, bytecodeLayerVersion, assemblyVersion].join('.');
  // The name of the base goes into the image's annotations, and is in no lock's identity where it is an address.
  return [plan.digest, plan.base.name, versions];
}
