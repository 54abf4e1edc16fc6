import { type BlobReader, type Digest, type Image, readLayer } from '@mir/oci';
import { normalizeName } from '@mir/python';
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

/**
 * The files of the Python packages of a side: from what is remembered of their wheels, and with `readLayers` from the layers
 * that hold the others, which are then read in full.
 */
export async function fileOwners(workshop: Workshop, side: Side, readLayers: boolean): Promise<FileOwners> {
  const owners = new Map<string, string>();
  const unknown: string[] = [];
  for (const { name, wheel } of side.packages) {
    const record = await workshop.layers.find(wheelKey(wheel, side.pythonVersion));
    if (record?.facts === undefined) {
      unknown.push(name);
      continue;
    }
    const { files } = await loadJson<WheelFacts>(workshop.contents, record.facts);
    for (const [path] of files) if (!path.includes('.dist-info/')) owners.set(path, name);
  }
  if (!readLayers || unknown.length === 0 || side.image === undefined) return { owners, unknown };
  const { image, blobs } = side.image;
  const found = new Set<string>();
  for (const digest of layersWith(image, unknown)) {
    for await (const [path, owner] of recordedFiles(blobs, digest)) {
      found.add(owner);
      if (unknown.includes(owner)) owners.set(path, owner);
    }
  }
  return { owners, unknown: unknown.filter((name) => !found.has(name)) };
}

/** Layers of wheels that hold at least one of the packages; bundles do not tell all that they hold. */
function layersWith(image: Image, names: readonly string[]): readonly Digest[] {
  return image.layers.flatMap(({ descriptor }) => {
    const role = roleOf(descriptor);
    const content = descriptor.annotations?.[layerAnnotations.content] ?? '';
    const isWanted =
      (role === 'wheel' && names.some((name) => content.startsWith(`${name} `))) ||
      (role === 'bundle' && !content.startsWith('bytecode'));
    return isWanted ? [descriptor.digest] : [];
  });
}

/** The files that the RECORDs of a layer list, with the package of each. */
async function* recordedFiles(
  blobs: BlobReader,
  layer: Digest,
): AsyncGenerator<readonly [path: string, owner: string]> {
  for await (const entry of readLayer(blobs.read(layer))) {
    const [, sitePackages, owner] = /^(.*\/)([^/]+)-[^/-]+\.dist-info\/RECORD$/.exec(entry.path) ?? [];
    if (entry.type !== 'file' || sitePackages === undefined || owner === undefined) continue;
    if (entry.sizeBytes > recordLimitBytes) continue;
    const parts: Uint8Array[] = [];
    for await (const chunk of entry.content) parts.push(Uint8Array.from(chunk));
    for (const line of Buffer.concat(parts).toString().split('\n')) {
      const path = installedPath(sitePackages, firstField(line));
      if (path !== undefined && !path.includes('.dist-info/')) yield [path, normalizeName(owner)];
    }
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
