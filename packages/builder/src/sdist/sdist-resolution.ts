import { randomUUID } from 'node:crypto';
import { link, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Fault, isFault } from '@mir/core';
import { chooseSdist, type Lock, type LockedPackage, normalizeName, type Requirement } from '@mir/python';
import type { Base } from '../base/base.ts';
import { startableInterpreter } from '../base/interpreter.ts';
import { builderFault } from '../fault.ts';
import type { ImageSpec } from '../image-spec.ts';
import { wheelKey } from '../layers/wheel-layers.ts';
import { indexesOf } from '../lock/resolution.ts';
import type { Workshop } from '../workshop.ts';
import { type BuiltWheel, buildWheel, type ImageMaker } from './built-wheel.ts';

/** More packages without wheels than this are no oversight of their authors. */
const sdistLimit = 20;

/** What source distributions are built for. */
export type SdistOptions = {
  readonly base: Base;
  readonly requirements: readonly Requirement[];
  readonly constraints: readonly Requirement[];
  readonly osPackages: readonly string[];
  readonly makeImage: ImageMaker;
};

/**
 * Resolves where some packages have no wheel: theirs are built from their sources, one after the other, as the resolver names them, and
 * offered to it beside those of the indexes. Where a wheel fits, it is taken.
 *
 * @throws Fault `resolution/*`, `sdist/*`, `sandbox/*`
 */
export async function resolveWithSdists(
  workshop: Workshop,
  { base, requirements, constraints, osPackages, makeImage }: SdistOptions,
  resolve: (wheelFolder: string | undefined) => Promise<Lock>,
): Promise<Lock> {
  const built: BuiltWheel[] = [];
  const folder = join(workshop.home.cache, 'uv', `uv-run-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  try {
    for (;;) {
      try {
        return withOrigins(await resolve(built.length === 0 ? undefined : folder), built);
      } catch (thrown) {
        if (!isFault(thrown, 'resolution/no-wheel') || built.length >= sdistLimit) throw thrown;
        const name = normalizeName(thrown.subject ?? '');
        const other = built.find((one) => one.name === name);
        if (other !== undefined) throw otherVersion(other, thrown);
        const specifiers = [...requirements, ...constraints].flatMap((one) =>
          one.name === name && one.specifier !== '' ? [one.specifier] : [],
        );
        const index = await indexesOf(workshop, async () => startableInterpreter(await base.compiler()));
        const sdist = await chooseSdist(workshop.http, index, name, specifiers, base.target);
        const wheel = await workshop.stage('sdists', () => buildWheel(workshop, base, sdist, osPackages, makeImage));
        await link(wheel.path, join(folder, wheel.filename));
        built.push(wheel);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * A lock whose wheels can be had: those that no index has, and whose layers are not here, are built again from their sources.
 *
 * @throws Fault `sdist/not-allowed`; `sdist/other-wheel` where building gave another wheel than the lock names
 */
export async function withBuiltWheels(
  workshop: Workshop,
  lock: Lock,
  {
    base,
    osPackages,
    makeImage,
    allowSdist = false,
  }: Pick<SdistOptions, 'base' | 'osPackages' | 'makeImage'> & Pick<ImageSpec, 'allowSdist'>,
): Promise<Lock> {
  const packages: LockedPackage[] = [];
  for (const one of lock.packages) {
    const { origin, wheel } = one;
    const isAtHand =
      origin === undefined ||
      wheel.localPath !== undefined ||
      (await workshop.layers.locate(wheelKey(wheel, lock.target.pythonVersion))) !== undefined;
    if (isAtHand) {
      packages.push(one);
      continue;
    }
    // A lock may be somebody else's, and says by itself what is fetched and run.
    if (!allowSdist) throw notAllowed(one.name, origin.sdist.filename);
    const sdist = { name: one.name, version: one.version, ...origin.sdist };
    const built = await workshop.stage('sdists', () =>
      buildWheel(workshop, base, sdist, osPackages, makeImage, origin.buildRequires),
    );
    if (built.sha256 !== wheel.sha256) {
      throw builderFault('sdist/other-wheel', {
        what: `${origin.sdist.filename} gave another wheel than the lock names: its build is not reproducible`,
        subject: one.name,
        hint: 'Use an image that holds it, keep its wheel in an index of yours, or resolve anew.',
      });
    }
    packages.push({ ...one, wheel: { ...wheel, localPath: built.path } });
  }
  return { ...lock, packages };
}

/** Only what is asked for by name says which version: what another package needs of it is not known before. */
function otherVersion({ name, version }: BuiltWheel, cause: Fault) {
  return builderFault('sdist/other-version', {
    what: `${name} has no wheel, ${version} was built from its sources, and another package needs another version of it: ${cause.message}`,
    subject: name,
    hint: `Ask for ${name} by name, in the version that is needed: ${name}<${version}.`,
    cause,
  });
}

/** What was resolved to a wheel of ours is known by its origin, and not by where it lies. */
function withOrigins(lock: Lock, built: readonly BuiltWheel[]): Lock {
  return {
    ...lock,
    packages: lock.packages.map((one) => {
      const found = built.find(({ sha256 }) => sha256 === one.wheel.sha256);
      if (found === undefined) return one;
      const { filename, sizeBytes, sha256, path: localPath, origin } = found;
      return { ...one, wheel: { filename, sizeBytes, sha256, localPath }, origin };
    }),
  };
}

function notAllowed(name: string, filename: string) {
  return builderFault('sdist/not-allowed', {
    what: `${name} of the lock has to be built from ${filename}, which runs code of the package, and that was not allowed`,
    subject: name,
    hint: 'Allow it with --allow-sdist, if you trust whoever made the lock.',
  });
}
