import type { Platform } from '@mir/core';
import type { Digest } from '@mir/oci';
import type { Workshop } from '../workshop.ts';
import { fileOwners } from './file-owners.ts';
import { readSide, type Side } from './side.ts';

/** A package that is not the same on both sides. */
export type PackageChange = {
  readonly name: string;
  /** `other-file`: the same version from another file, for example another build of a wheel. */
  readonly change: 'added' | 'removed' | 'version' | 'other-file';
  readonly before?: PackageFacts;
  readonly after?: PackageFacts;
};

/** A package as its lock has it; bytes are those of its wheel or .deb. */
type PackageFacts = { readonly version: string; readonly bytes: number };

export type PackageChanges = {
  readonly changes: readonly PackageChange[];
  readonly same: number;
  /** Every package with its bytes on either side, those that differ most first. */
  readonly bytes: readonly { readonly name: string; readonly before: number; readonly after: number }[];
};

/** A file that another package installs than before. */
type MovedFile = { readonly path: string; readonly from: string; readonly to: string };

/** Layers by where they are; bytes are compressed, as they are stored and sent. */
type LayerShare = Readonly<Record<'shared' | 'before' | 'after', { readonly count: number; readonly bytes: number }>>;

export type Difference = {
  readonly before: Side;
  readonly after: Side;
  readonly python: PackageChanges;
  readonly os: PackageChanges;
  /** Whether {@link os} counts the packages of the bases: only where both are known. */
  readonly comparesBases: boolean;
  readonly movedFiles: readonly MovedFile[];
  /** Packages whose files are not known here, so that {@link movedFiles} may lack some. */
  readonly unknownFiles: readonly string[];
  /** Undefined when one of the two is a lock alone. */
  readonly layers: LayerShare | undefined;
};

export type DifferenceOptions = {
  readonly platform?: Platform;
  /** Whether layers may be read (and downloaded) for the files of packages that were never seen here. */
  readonly readLayers: boolean;
};

/**
 * What is different between two images, or locks. Manifests and locks tell it; layers are read only when they may be.
 *
 * @throws Fault of whatever is wrong with either
 */
export async function findDifference(
  workshop: Workshop,
  before: string,
  after: string,
  { platform, readLayers }: DifferenceOptions,
): Promise<Difference> {
  const [a, b] = await Promise.all([readSide(workshop, before, platform), readSide(workshop, after, platform)]);
  // Packages that one side lists and the other cannot would all seem to be new.
  const withBases = a.basePackages.length > 0 && b.basePackages.length > 0;
  const isSame = a.packages.every((one, at) => one.wheel.sha256 === b.packages[at]?.wheel.sha256);
  const same = { owners: new Map<string, string>(), unknown: [] };
  // Equal packages install equal files, whatever they are.
  const needed = !isSame || a.packages.length !== b.packages.length;
  const filesBefore = needed ? await fileOwners(workshop, a, readLayers) : same;
  const filesAfter = needed ? await fileOwners(workshop, b, readLayers) : same;
  return {
    before: a,
    after: b,
    python: changesOf(
      a.packages.map(({ name, version, wheel }) => ({ name, version, bytes: wheel.sizeBytes, sha256: wheel.sha256 })),
      b.packages.map(({ name, version, wheel }) => ({ name, version, bytes: wheel.sizeBytes, sha256: wheel.sha256 })),
    ),
    os: changesOf(debsOf(a, withBases), debsOf(b, withBases)),
    comparesBases: withBases,
    movedFiles: movedFiles(filesBefore.owners, filesAfter.owners),
    unknownFiles: [...new Set([...filesBefore.unknown, ...filesAfter.unknown])].sort(),
    layers: layerShare(a, b),
  };
}

type Locked = PackageFacts & { readonly name: string; readonly sha256: string };

function debsOf({ basePackages, osPackages }: Side, withBase: boolean): Locked[] {
  const debs = withBase ? [...basePackages, ...osPackages] : osPackages;
  return debs.map(({ name, version, sizeBytes, sha256 }) => ({ name, version, bytes: sizeBytes, sha256 }));
}

function changesOf(before: readonly Locked[], after: readonly Locked[]): PackageChanges {
  const [old, now] = [byName(before), byName(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  const changes = names.flatMap((name) => changeOf(name, old.get(name), now.get(name)));
  const bytes = names.map((name) => ({ name, before: old.get(name)?.bytes ?? 0, after: now.get(name)?.bytes ?? 0 }));
  const weight = (one: (typeof bytes)[number]) => Math.abs(one.after - one.before);
  bytes.sort((a, b) => weight(b) - weight(a) || b.after - a.after);
  return { changes, same: names.length - changes.length, bytes };
}

function changeOf(name: string, old: Locked | undefined, now: Locked | undefined): PackageChange[] {
  if (old?.sha256 === now?.sha256) return [];
  const before = old && { version: old.version, bytes: old.bytes };
  const after = now && { version: now.version, bytes: now.bytes };
  if (before === undefined) return after === undefined ? [] : [{ name, change: 'added', after }];
  if (after === undefined) return [{ name, change: 'removed', before }];
  return [{ name, change: before.version === after.version ? 'other-file' : 'version', before, after }];
}

function movedFiles(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): MovedFile[] {
  return [...after]
    .flatMap(([path, to]) => {
      const from = before.get(path);
      return from === undefined || from === to ? [] : [{ path, from, to }];
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function layerShare(a: Side, b: Side): LayerShare | undefined {
  if (a.image === undefined || b.image === undefined) return undefined;
  const [old, now] = [layersOf(a.image.image), layersOf(b.image.image)];
  const weigh = (layers: ReadonlyMap<Digest, number>, wanted: (digest: Digest) => boolean) => {
    const found = [...layers].filter(([digest]) => wanted(digest));
    return { count: found.length, bytes: found.reduce((sum, [, bytes]) => sum + bytes, 0) };
  };
  return {
    shared: weigh(now, (digest) => old.has(digest)),
    before: weigh(old, (digest) => !now.has(digest)),
    after: weigh(now, (digest) => !old.has(digest)),
  };
}

function layersOf(image: NonNullable<Side['image']>['image']): ReadonlyMap<Digest, number> {
  return new Map(image.layers.map(({ descriptor }) => [descriptor.digest, descriptor.size]));
}

function byName(packages: readonly Locked[]): ReadonlyMap<string, Locked> {
  return new Map(packages.map((one) => [one.name, one]));
}
