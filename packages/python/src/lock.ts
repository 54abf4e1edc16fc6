import { createHash } from 'node:crypto';
import { shortPythonVersion } from './marker-environment.ts';
import type { Target } from './target.ts';

/** A wheel as a lock names it. */
export type LockedWheel = {
  readonly filename: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Where it was found, without credentials; locks taken from an image have none. */
  readonly url?: string;
  /** Where it lies on this machine, for one that was built here; never written down, never read from a lock. */
  readonly localPath?: string;
};

/** The source distribution that a package's wheel was built from, and what it was built with. */
export type WheelOrigin = {
  readonly sdist: {
    readonly filename: string;
    readonly url: string;
    readonly sizeBytes: number;
    /** Lower-case hex. */
    readonly sha256: string;
  };
  /** Everything that was installed while it was built, as pins: `setuptools==75.1.0`. */
  readonly buildRequires: readonly string[];
};

/** One package of a lock, with the one wheel that was chosen for the target. */
export type LockedPackage = {
  /** Normalised (PEP 503). */
  readonly name: string;
  readonly version: string;
  readonly wheel: LockedWheel;
  readonly requiresPython?: string;
  /** Whether it was asked for by name; no part of the lock's identity. */
  readonly direct?: boolean;
  /** For a wheel that no index has; no part of the lock's identity. */
  readonly origin?: WheelOrigin;
};

/** What was resolved for a target: every file with its sum. Packages are sorted by name. */
export type Lock = {
  readonly target: Target;
  readonly packages: readonly LockedPackage[];
  /** What resolved it, `uv 0.13.9`; no part of the lock's identity. */
  readonly createdBy: string;
};

const writer = 'mir';

/**
 * A lock as a pylock.toml (PEP 751). With addresses it holds everything; without, only what decides the contents:
 * names, versions, file names, sizes and sums, so that a mirror gives the same bytes. File names are then given as
 * paths beside the lock, which the format allows.
 */
export function formatLock(lock: Lock, options: { readonly addresses: boolean }): string {
  const lines = [
    'lock-version = "1.0"',
    `created-by = ${quoted(writer)}`,
    `requires-python = ${quoted(`==${shortPythonVersion(lock.target.pythonVersion)}.*`)}`,
  ];
  for (const locked of sortedByName(lock.packages)) {
    lines.push('', '[[packages]]', `name = ${quoted(locked.name)}`, `version = ${quoted(locked.version)}`);
    if (options.addresses && locked.requiresPython !== undefined)
      lines.push(`requires-python = ${quoted(locked.requiresPython)}`);
    lines.push(`wheels = [{ ${wheelFields(locked.wheel, options.addresses).join(', ')} }]`);
    if (options.addresses) lines.push(...sdistLines(locked), ...packageToolLines(locked));
  }
  if (options.addresses) lines.push('', ...toolTable(lock));
  return `${lines.join('\n')}\n`;
}

/** The SHA-256 (hex) of a lock without addresses: equal for everything that installs the same files. */
export function lockIdentity(lock: Lock): string {
  return createHash('sha256')
    .update(formatLock(lock, { addresses: false }))
    .digest('hex');
}

/** Packages in the order of a lock. */
export function sortedByName(packages: readonly LockedPackage[]): readonly LockedPackage[] {
  return packages.toSorted((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}

function sdistLines({ origin }: LockedPackage): readonly string[] {
  if (origin === undefined) return [];
  const { filename, url, sizeBytes, sha256 } = origin.sdist;
  return [
    `sdist = { name = ${quoted(filename)}, url = ${quoted(url)}, size = ${sizeBytes}, hashes = { sha256 = ${quoted(sha256)} } }`,
  ];
}

function packageToolLines({ direct, origin }: LockedPackage): readonly string[] {
  const lines = [
    ...(direct === true ? ['direct = true'] : []),
    ...(origin === undefined ? [] : [`build-requires = [${origin.buildRequires.map(quoted).join(', ')}]`]),
  ];
  return lines.length === 0 ? [] : ['', '[packages.tool.mir]', ...lines];
}

function wheelFields(wheel: LockedWheel, addresses: boolean): readonly string[] {
  const where =
    addresses && wheel.url !== undefined
      ? [`name = ${quoted(wheel.filename)}`, `url = ${quoted(wheel.url)}`]
      : [`path = ${quoted(wheel.filename)}`];
  return [...where, `size = ${wheel.sizeBytes}`, `hashes = { sha256 = ${quoted(wheel.sha256)} }`];
}

function toolTable(lock: Lock): readonly string[] {
  const { pythonVersion, architecture, libc } = lock.target;
  return [
    '[tool.mir]',
    `resolved-by = ${quoted(lock.createdBy)}`,
    `python-version = ${quoted(pythonVersion)}`,
    `architecture = ${quoted(architecture)}`,
    `libc = ${quoted(`${libc.family} ${libc.version}`)}`,
  ];
}

function quoted(text: string): string {
  // JSON's escapes are all legal in TOML's basic strings; DEL is the one character more that TOML wants escaped.
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}
