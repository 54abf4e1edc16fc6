import { type BlobReader, type Digest, type Image, readLayer } from '@mir/oci';
import { normalizeName } from '@mir/python';
import { stackPackages } from '../image/assembly.ts';
import { loadJson } from '../layers/facts-blob.ts';
import { layerAnnotations, roleOf } from '../layers/image-layers.ts';
import { venvPrefix } from '../layers/venv-layer.ts';
import type { WheelFacts } from '../layers/wheel-layer.ts';
import { wheelKey } from '../layers/wheel-layers.ts';
import type { Workshop } from '../workshop.ts';
import type { Side } from './side.ts';

/** Which package a file comes from, and the packages whose files are not known. */
export type FileOwners = { readonly owners: ReadonlyMap<string, string>; readonly unknown: readonly string[] };

const recordLimitBytes = 64 << 20;
const recordPath = new RegExp(`^(${venvPrefix}/lib/python[^/]+/site-packages/)([^/]+)-[^/-]+\\.dist-info/RECORD$`);

/**
 * The files of the Python packages of a side: from what is remembered of their wheels, and with `readLayers` from the layers
 * that hold the others, which are then read in full.
 */
export async function fileOwners(workshop: Workshop, side: Side, readLayers: boolean): Promise<FileOwners> {
  const files = new Map<string, string[]>();
  const unknown: string[] = [];
  for (const { name, wheel } of side.packages) {
    const record = await workshop.layers.find(wheelKey(wheel, side.pythonVersion));
    if (record?.facts === undefined) unknown.push(name);
    else {
      const facts = await loadJson<WheelFacts>(workshop.contents, record.facts);
      files.set(
        name,
        facts.files.map(([path]) => path),
      );
    }
  }
  if (readLayers && side.image !== undefined) {
    const wanted = new Set(unknown);
    for (const digest of layersWith(side.image.image, unknown)) {
      for await (const { owner, paths } of recordedFiles(side.image.blobs, digest)) {
        if (wanted.has(owner)) files.set(owner, [...(files.get(owner) ?? []), ...paths]);
      }
    }
  }
  return { owners: ownersOf(side, files), unknown: unknown.filter((name) => !files.has(name)) };
}

/** Of packages that install the same file, the one that is stacked last is seen. */
function ownersOf({ packages }: Side, files: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const { own, bundles } = stackPackages(packages);
  for (const { name } of [...own, ...bundles.flat()]) {
    for (const path of files.get(name) ?? []) if (!path.includes('.dist-info/')) owners.set(path, name);
  }
  return owners;
}

/** Layers of wheels that hold at least one of the packages; bundles do not tell all that they hold. */
function layersWith(image: Image, names: readonly string[]): readonly Digest[] {
  if (names.length === 0) return [];
  return image.layers.flatMap(({ descriptor }) => {
    const role = roleOf(descriptor);
    const content = descriptor.annotations?.[layerAnnotations.content] ?? '';
    const isWanted = role === 'bundle' || (role === 'wheel' && names.some((name) => content.startsWith(`${name} `)));
    return isWanted ? [descriptor.digest] : [];
  });
}

/** The files that the RECORDs of a layer list. Packages inside of packages have some too, and are not installed by these. */
async function* recordedFiles(
  blobs: BlobReader,
  layer: Digest,
): AsyncGenerator<{ readonly owner: string; readonly paths: readonly string[] }> {
  for await (const entry of readLayer(blobs.read(layer))) {
    const [, sitePackages, owner] = recordPath.exec(entry.path) ?? [];
    if (entry.type !== 'file' || sitePackages === undefined || owner === undefined) continue;
    if (entry.sizeBytes > recordLimitBytes) continue;
    const parts: Uint8Array[] = [];
    for await (const chunk of entry.content) parts.push(Uint8Array.from(chunk));
    const lines = Buffer.concat(parts).toString().split('\n');
    const paths = lines.flatMap((line) => installedPath(sitePackages, firstField(line)) ?? []);
    yield { owner: normalizeName(owner), paths };
  }
}

/** The first field of a line of CSV. */
function firstField(line: string): string {
  if (!line.startsWith('"')) return line.slice(0, Math.max(0, line.indexOf(',')));
  return (/^"((?:[^"]|"")*)"/.exec(line)?.[1] ?? '').replaceAll('""', '"');
}

/** RECORD's paths are relative to site-packages, and lead out of it for scripts and data. */
function installedPath(sitePackages: string, recorded: string): string | undefined {
  if (recorded === '' || recorded.startsWith('/')) return undefined;
  const path = new URL(recorded.split('/').map(encodeURIComponent).join('/'), `file:///${sitePackages}`).pathname;
  const decoded = decodeURIComponent(path).slice(1);
  return decoded.startsWith(`${venvPrefix}/`) ? decoded : undefined;
}
