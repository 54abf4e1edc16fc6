import { parse } from 'smol-toml';
import type { z } from 'zod';
import { serverFault } from '../fault.ts';
import type { difference } from '../http/shapes/difference.ts';
import type { InstanceContext } from '../instance-context.ts';
import { findImage } from './image-row.ts';
import { specChanges } from './spec-change.ts';
import { findVersion, locksOf, type VersionRow, versionById } from './versions.ts';

/** Packages that are different, those that weigh most first. */
export type PackageChanges = z.infer<typeof difference>['packages'];

type Side = {
  readonly name: string;
  readonly version: VersionRow;
  readonly packages: Packages;
  readonly osPackages: Packages;
};
type Packages = ReadonlyMap<string, { readonly version: string; readonly bytes: number; readonly sha256: string }>;

/**
 * What is different between two versions, of one image or of two: `fraud:3`, or `fraud` for its current one. Locks and layer lists
 * tell it; nothing is read from a registry.
 *
 * @throws Fault `image/unknown`, `version/unknown`, `version/unusable` where one was never built
 */
export async function findImageDifference(
  context: InstanceContext,
  from: string,
  to: string,
): Promise<z.infer<typeof difference>> {
  const [a, b] = await Promise.all([readSide(context, from), readSide(context, to)]);
  return {
    from: { name: a.name, version: a.version.number, digest: a.version.digest ?? '' },
    to: { name: b.name, version: b.version.number, digest: b.version.digest ?? '' },
    spec: specChanges(a.version.spec, b.version.spec),
    packages: changes(a.packages, b.packages),
    osPackages: changes(a.osPackages, b.osPackages),
    layers: layerShare(a.version, b.version),
  };
}

async function readSide(context: InstanceContext, text: string): Promise<Side> {
  const [name = '', number] = text.split(':', 2);
  const image = await findImage(context.db, name);
  const version =
    number === undefined
      ? await versionById(context.db, image.currentVersionId ?? image.latestVersionId ?? 0)
      : await findVersion(context.db, image, /^\d{1,9}$/.test(number) ? Number(number) : 0);
  if (version === undefined || version.state !== 'READY') {
    throw serverFault('version/unusable', {
      what: `"${text}" is not READY, so there is nothing to compare`,
      subject: text,
      hint: 'Choose a version that is READY: NAME:VERSION.',
    });
  }
  const [lock] = await locksOf(context.db, version.id);
  const document: Record<string, unknown> = lock === undefined ? {} : parse(lock.text);
  return { name, version, packages: pythonPackages(document), osPackages: osPackages(document) };
}

function pythonPackages(document: Record<string, unknown>): Packages {
  const list = document['packages'];
  if (!Array.isArray(list)) return new Map();
  return new Map(
    list.flatMap((one: unknown) => {
      const { name, version, wheels, archive } = (one ?? {}) as Record<string, unknown>;
      const file = (Array.isArray(wheels) ? wheels[0] : archive) as Record<string, unknown> | undefined;
      if (typeof name !== 'string' || typeof version !== 'string') return [];
      const hashes = (file?.['hashes'] ?? {}) as Record<string, unknown>;
      return [[name, { version, bytes: Number(file?.['size'] ?? 0), sha256: String(hashes['sha256'] ?? '') }] as const];
    }),
  );
}

/** What is different between the OS packages of two images' bases, by their locks. */
export function baseChanges(before: string, after: string): PackageChanges {
  return changes(osPackages(parse(before), ['base']), osPackages(parse(after), ['base']));
}

/** Those of the base, too: another base may bring other versions of them. */
function osPackages(
  document: Record<string, unknown>,
  parts: readonly ('base' | 'added')[] = ['base', 'added'],
): Packages {
  const mir = ((document['tool'] as Record<string, unknown> | undefined)?.['mir'] ?? {}) as Record<string, unknown>;
  const ofBase = (mir['base'] as Record<string, unknown> | undefined)?.['package'];
  const lists = [parts.includes('base') ? ofBase : [], parts.includes('added') ? mir['os-package'] : []]
    .filter(Array.isArray)
    .flat();
  return new Map(
    lists.flatMap((one: unknown) => {
      const { name, version, size, sha256 } = (one ?? {}) as Record<string, unknown>;
      if (typeof name !== 'string' || typeof version !== 'string') return [];
      return [[name, { version, bytes: Number(size ?? 0), sha256: String(sha256 ?? '') }] as const];
    }),
  );
}

function changes(before: Packages, after: Packages): PackageChanges {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const found = names.flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    const change =
      old === undefined
        ? ('added' as const)
        : now === undefined
          ? ('removed' as const)
          : old.version !== now.version
            ? ('version' as const)
            : old.sha256 !== now.sha256
              ? ('other-file' as const)
              : undefined;
    if (change === undefined) return [];
    return [
      {
        name,
        change,
        before: old?.version ?? null,
        after: now?.version ?? null,
        bytesBefore: old?.bytes ?? 0,
        bytesAfter: now?.bytes ?? 0,
      },
    ];
  });
  return found.sort((a, b) => Math.abs(b.bytesAfter - b.bytesBefore) - Math.abs(a.bytesAfter - a.bytesBefore));
}

function layerShare(a: VersionRow, b: VersionRow) {
  const inA = new Set((a.layers ?? []).map(({ digest }) => digest));
  const inB = new Set((b.layers ?? []).map(({ digest }) => digest));
  const sum = (layers: VersionRow['layers'], is: (digest: string) => boolean) => {
    const chosen = (layers ?? []).filter(({ digest }) => is(digest));
    return { count: chosen.length, sizeBytes: chosen.reduce((total, { sizeBytes }) => total + sizeBytes, 0) };
  };
  return {
    shared: sum(a.layers, (digest) => inB.has(digest)),
    from: sum(a.layers, (digest) => !inB.has(digest)),
    to: sum(b.layers, (digest) => !inA.has(digest)),
  };
}
