import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debConverterVersion } from '@mir/debian';
import { type Digest, Image, isDigest, parseManifest } from '@mir/oci';
import { wheelConverterVersion } from '@mir/python';
import { bytecodeLayerVersion } from '../layers/bytecode-layer.ts';
import type { Plan } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import type { Workshop } from '../workshop.ts';

/** Raised whenever the same lock would give another image. */
const assemblyVersion = 1;
const limitBytes = 32 << 20;

type Memory = { readonly manifest: Digest; readonly problems: readonly Problem[] };

/** The image of a lock, when it was made before and all its blobs are still there. */
export async function recallImage(
  workshop: Workshop,
  plan: Plan,
): Promise<{ readonly image: Image; readonly problems: readonly Problem[] } | undefined> {
  const memory = parse(await readFile(pathOf(workshop, plan), 'utf8').catch(() => ''));
  if (memory === undefined || (await workshop.blobs.size(memory.manifest)) === undefined) return undefined;
  const manifestBytes = await workshop.blobs.bytes(memory.manifest, limitBytes);
  const parsed = parseManifest(manifestBytes);
  if (parsed.kind !== 'image') return undefined;
  const config = parsed.manifest.config.digest;
  if ((await workshop.blobs.size(config)) === undefined) return undefined;
  const image = Image.parse(manifestBytes, await workshop.blobs.bytes(config, limitBytes));
  const sizes = await Promise.all(image.layers.map(({ descriptor }) => workshop.blobs.size(descriptor.digest)));
  const isWhole = image.layers.every(({ descriptor }, at) => sizes[at] === descriptor.size);
  return isWhole ? { image, problems: memory.problems } : undefined;
}

/** Remembers which image a lock gave. Forgetting it costs a second, no more. */
export async function rememberImage(
  workshop: Workshop,
  plan: Plan,
  made: { readonly image: Image; readonly problems: readonly Problem[] },
): Promise<void> {
  const path = pathOf(workshop, plan);
  const memory: Memory = { manifest: made.image.digest, problems: made.problems };
  await mkdir(join(path, '..'), { recursive: true });
  const aside = `${path}.${randomUUID()}`;
  await writeFile(aside, JSON.stringify(memory));
  await rename(aside, path);
}

function pathOf(workshop: Workshop, plan: Plan): string {
  const versions = [wheelConverterVersion, debConverterVersion, bytecodeLayerVersion, assemblyVersion].join('.');
  // The name of the base goes into the image's annotations, and is in no lock's identity where it is an address.
  const key = createHash('sha256').update([plan.digest, plan.base.name, versions].join('\n')).digest('hex');
  return join(workshop.home.cache, 'images', key);
}

function parse(text: string): Memory | undefined {
  try {
    const { manifest, problems } = JSON.parse(text) as Partial<Memory>;
    return typeof manifest === 'string' && isDigest(manifest) ? { manifest, problems: problems ?? [] } : undefined;
  } catch {
    return undefined;
  }
}
