import { isFault } from '@mir/core';
import { evaluateMarker } from './marker.ts';
import { markerEnvironment } from './marker-environment.ts';
import { normalizeName, parseRequirement, type Requirement } from './requirement.ts';
import type { Target } from './target.ts';
import { normalizeVersion, satisfies } from './version.ts';
import type { CoreMetadata } from './wheel/core-metadata.ts';

/** A package of which one version is asked for, and what the file of that version says. */
export type PinnedPackage = {
  /** Normalised (PEP 503). */
  readonly name: string;
  /** As the pin has it. */
  readonly version: string;
  /** Those that are asked for. */
  readonly extras: readonly string[];
  /** What its file says of it; undefined where nobody knows. */
  readonly metadata: () => CoreMetadata | undefined;
  /** Whether others of the packages were found to be all that it requires, these extras included: it is not looked at again. */
  readonly isSettled?: boolean;
};

type Part = { readonly of: PinnedPackage; readonly extra: string | undefined };

/**
 * Whether pinned packages are a whole: everything that one of them requires on the target is another of them, in a version that it
 * takes. Then nothing is left to choose, and a resolver can come to nothing else. `false` means that a resolver has to be asked, not
 * that there is no solution: what is unusual (pre-releases, direct references, what cannot be read) is left to it.
 */
export function isWhole(
  packages: readonly PinnedPackage[],
  constraints: readonly Requirement[],
  target: Target,
): boolean {
  const byName = new Map(packages.map((one) => [one.name, one]));
  if (byName.size !== packages.length) return false;
  try {
    return (
      packages.every((one) => isOrdinary(one, target)) &&
      constraints.every((one) => allows(one, byName.get(one.name))) &&
      requiresNothingElse(byName, target)
    );
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return false;
  }
}

/** Whether everything that a package requires on the target, whatever its extras bring, has one of some names. */
export function requiresOnly(names: ReadonlySet<string>, metadata: CoreMetadata, target: Target): boolean {
  try {
    return requirementsOf(metadata, undefined, target).every(({ name }) => names.has(name));
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return false;
  }
}

/** A final release without a local part, spelled as everybody spells it, for the target's Python. */
function isOrdinary({ version, isSettled, metadata }: PinnedPackage, target: Target): boolean {
  if (isSettled === true) return true;
  const requiresPython = metadata()?.requiresPython;
  const isFinal = /^(?:\d+!)?\d+(?:\.\d+)*(?:\.post\d+)?$/.test(version) && normalizeVersion(version) === version;
  return isFinal && (requiresPython === undefined || satisfies(target.pythonVersion, requiresPython));
}

function allows({ url, hashes, specifier }: Requirement, pinned: PinnedPackage | undefined): boolean {
  if (pinned === undefined) return true;
  return url === undefined && hashes === undefined && satisfies(pinned.version, specifier);
}

function requiresNothingElse(byName: ReadonlyMap<string, PinnedPackage>, target: Target): boolean {
  const asked = (of: PinnedPackage): readonly Part[] => [{ of, extra: undefined }, ...partsOf(of, of.extras)];
  const packages = [...byName.values()];
  const waiting = packages.filter(({ isSettled }) => isSettled !== true).flatMap(asked);
  const met = new Set(
    packages
      .filter(({ isSettled }) => isSettled === true)
      .flatMap(asked)
      .map(keyOf),
  );
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    const { of, extra } = part;
    if (met.has(keyOf(part))) continue;
    met.add(keyOf(part));
    const metadata = of.metadata();
    if (metadata === undefined) return false;
    if (extra !== undefined && !metadata.providesExtra.some((known) => normalizeName(known) === extra)) return false;
    for (const { name, url, specifier, extras } of requirementsOf(metadata, extra, target)) {
      const other = byName.get(name);
      if (other === undefined || url !== undefined || !satisfies(other.version, specifier)) return false;
      waiting.push(...partsOf(other, extras));
    }
  }
  return true;
}

function requirementsOf(
  { requiresDist }: CoreMetadata,
  extra: string | undefined,
  target: Target,
): readonly Requirement[] {
  const environment = markerEnvironment(target, { extras: extra === undefined ? [] : [extra] });
  return readOnce(requiresDist).filter(({ marker }) => marker === undefined || evaluateMarker(marker, environment));
}

/** The same metadata is looked at once by itself and again among all: reading it takes most of both. */
const read = new WeakMap<readonly string[], readonly Requirement[]>();

function readOnce(requiresDist: readonly string[]): readonly Requirement[] {
  const before = read.get(requiresDist);
  if (before !== undefined) return before;
  const requirements = requiresDist.map((text) => parseRequirement(text));
  read.set(requiresDist, requirements);
  return requirements;
}

function keyOf({ of, extra }: Part): string {
  return `${of.name}[${extra ?? ''}]`;
}

function partsOf(of: PinnedPackage, extras: readonly string[]): readonly Part[] {
  return extras.map((extra) => ({ of, extra }));
}
