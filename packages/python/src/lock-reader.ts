import { parse } from 'smol-toml';
import { pythonFault } from './fault.ts';
import { type Lock, type LockedPackage, type LockedWheel, sortedByName } from './lock.ts';
import { evaluateMarker } from './marker.ts';
import { markerEnvironment } from './marker-environment.ts';
import { isName, normalizeName } from './requirement.ts';
import { shownTarget, type Target } from './target.ts';
import { satisfies } from './version.ts';
import { chooseWheel, parseWheelFilename } from './wheel/filename.ts';

/** A wheel as a lock file lists it; sizes may be missing there. */
export type ListedWheel = Omit<LockedWheel, 'sizeBytes'> & { readonly sizeBytes?: number };
/** A package whose wheel was chosen, but whose size may have to be asked for. */
export type ChosenPackage = Omit<LockedPackage, 'wheel'> & { readonly wheel: ListedWheel };
/** A lock file that was read and narrowed down to a target. */
export type ChosenLock = {
  readonly packages: readonly ChosenPackage[];
  readonly createdBy: string;
};

type Table = Readonly<Record<string, unknown>>;

/**
 * Reads a pylock.toml (PEP 751), whoever wrote it, for one target: packages by their markers, one wheel each by its
 * tags.
 *
 * @throws Fault `lock/malformed`, `lock/unsupported-version`, `lock/wrong-python`, `lock/no-wheel`, `lock/no-hash`,
 *   `lock/no-size`, `lock/ambiguous`
 */
export function parseLock(text: string, target: Target): Lock {
  const chosen = chooseFromLock(text, target);
  const packages = chosen.packages.map(({ wheel, ...rest }) => {
    if (wheel.sizeBytes !== undefined) return { ...rest, wheel: { ...wheel, sizeBytes: wheel.sizeBytes } };
    throw pythonFault('lock/no-size', {
      what: `The lock names ${wheel.filename} without its size`,
      subject: wheel.filename,
      hint: 'Write the lock anew with a tool that records sizes, for example uv.',
    });
  });
  return { ...chosen, target, packages };
}

/** As {@link parseLock}, but sizes may be missing and `acceptable` says which wheels count. */
export function chooseFromLock(
  text: string,
  target: Target,
  acceptable: (name: string, wheel: ListedWheel) => boolean = () => true,
): ChosenLock {
  const lock = parseToml(text);
  const version = textOf(lock, 'lock-version', 'the lock') ?? '';
  if (!/^1\.\d+$/.test(version)) {
    throw pythonFault('lock/unsupported-version', {
      what:
        version === ''
          ? 'The lock has no lock-version'
          : `The lock has the version ${version}; versions 1.x can be read`,
      hint: 'Write a pylock.toml of version 1.0 (PEP 751), for example with uv or pip.',
    });
  }
  const environment = markerEnvironment(target, { dependencyGroups: textsOf(lock, 'default-groups', 'the lock') });
  const requiresPython = textOf(lock, 'requires-python', 'the lock');
  const environments = textsOf(lock, 'environments', 'the lock');
  const isForTarget = environments.length === 0 || environments.some((marker) => evaluateMarker(marker, environment));
  if (!isForTarget || (requiresPython !== undefined && !satisfies(target.pythonVersion, requiresPython))) {
    throw pythonFault('lock/wrong-python', {
      what: `The lock is not for ${shownTarget(target)}${requiresPython === undefined ? '' : `: it requires Python ${requiresPython}`}`,
      hint: 'Choose a base that the lock was made for, or lock anew for this one.',
    });
  }
  const packages = new Map<string, ChosenPackage>();
  for (const table of tablesOf(lock, 'packages', 'the lock')) {
    const name = textOf(table, 'name', 'a package') ?? '';
    if (!isName(name)) throw malformed(`"${name}" is not the name of a package`);
    const marker = textOf(table, 'marker', name);
    if (marker !== undefined && !evaluateMarker(marker, environment)) continue;
    const chosen = choosePackage(table, normalizeName(name), target, acceptable);
    if (packages.has(chosen.name)) {
      throw pythonFault('lock/ambiguous', {
        what: `The lock names ${chosen.name} twice for ${shownTarget(target)}`,
        subject: chosen.name,
        hint: 'Lock anew, or give the two entries markers that exclude each other.',
      });
    }
    packages.set(chosen.name, chosen);
  }
  const tool = toolOf(lock);
  return {
    packages: sortedByName([...packages.values()] as readonly LockedPackage[]) as readonly ChosenPackage[],
    createdBy: textOf(tool, 'resolved-by', 'tool.mir') ?? textOf(lock, 'created-by', 'the lock') ?? 'unknown',
  };
}

function choosePackage(
  table: Table,
  name: string,
  target: Target,
  acceptable: (name: string, wheel: ListedWheel) => boolean,
): ChosenPackage {
  const requiresPython = textOf(table, 'requires-python', name);
  if (requiresPython !== undefined && !satisfies(target.pythonVersion, requiresPython)) {
    throw pythonFault('lock/wrong-python', {
      what: `The lock names ${name}, which requires Python ${requiresPython}, but the base has ${target.pythonVersion}`,
      subject: name,
      hint: 'Choose a base with such a Python, or lock anew for this one.',
    });
  }
  const archive = tableOf(table, 'archive');
  const listed = [...tablesOf(table, 'wheels', name), ...(archive === undefined ? [] : [archive])];
  const wheels = listed.map((wheel) => readWheel(wheel, name)).filter((wheel) => wheel !== undefined);
  const wheel = chooseWheel(
    wheels.filter((candidate) => acceptable(name, candidate)),
    target,
  );
  if (wheel === undefined) throw noWheel(name, wheels, target);
  const found = parseWheelFilename(wheel.filename);
  if (found.name !== name) throw malformed(`${name} has the wheel of another package, ${wheel.filename}`);
  return {
    name,
    version: textOf(table, 'version', name) ?? found.version,
    wheel,
    ...(requiresPython !== undefined && { requiresPython }),
    ...(toolOf(table)['direct'] === true && { direct: true }),
    ...originOf(table, name),
  };
}

/** The sources that a wheel without an address was built from, where the lock says so. */
function originOf(table: Table, name: string): Pick<LockedPackage, 'origin'> {
  const sdist = tableOf(table, 'sdist');
  const tool = toolOf(table);
  if (sdist === undefined || tool['build-requires'] === undefined) return {};
  const url = textOf(sdist, 'url', name);
  const filename = textOf(sdist, 'name', name);
  const sha256 = textOf(tableOf(sdist, 'hashes') ?? {}, 'sha256', name)?.toLowerCase();
  const size = sdist['size'];
  const isComplete =
    url !== undefined &&
    /^https?:$/.test(URL.parse(url)?.protocol ?? '') &&
    filename !== undefined &&
    !filename.includes('/') &&
    /^[0-9a-f]{64}$/.test(sha256 ?? '') &&
    typeof size === 'number' &&
    Number.isSafeInteger(size) &&
    size > 0;
  if (!isComplete) throw malformed(`the source distribution of ${name} is not complete`);
  return {
    origin: {
      sdist: { filename, url, sizeBytes: size, sha256: sha256 ?? '' },
      buildRequires: textsOf(tool, 'build-requires', name),
    },
  };
}

function readWheel(table: Table, name: string): ListedWheel | undefined {
  const url = textOf(table, 'url', name);
  const path = textOf(table, 'path', name);
  const lastOf = lastPart(url === undefined ? (path ?? '') : urlPath(url, name));
  const filename = textOf(table, 'name', name) ?? lastOf;
  if (!filename.endsWith('.whl')) return undefined;
  const sha256 = textOf(tableOf(table, 'hashes') ?? {}, 'sha256', name)?.toLowerCase();
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw pythonFault('lock/no-hash', {
      what: `The lock names ${filename} without a SHA-256 sum`,
      subject: filename,
      hint: 'Lock anew with a tool that records sha256 hashes.',
    });
  }
  const size = table['size'];
  if (size !== undefined && (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)) {
    throw malformed(`the size of ${filename} is not a number of bytes`);
  }
  return { filename, sha256, ...(size !== undefined && { sizeBytes: size }), ...(url !== undefined && { url }) };
}

function noWheel(name: string, wheels: readonly ListedWheel[], target: Target): Error {
  const why =
    wheels.length === 0
      ? 'it has no wheel, only sources'
      : `none of its ${wheels.length} wheels fits, for example ${wheels[0]?.filename}`;
  return pythonFault('lock/no-wheel', {
    what: `${name} cannot be installed from the lock on ${shownTarget(target)}: ${why}`,
    subject: name,
    hint: 'Lock anew for this base, or choose a base that the lock was made for.',
  });
}

function parseToml(text: string): Table {
  try {
    return parse(text);
  } catch (thrown) {
    throw pythonFault('lock/malformed', {
      what: `The lock is not in TOML: ${thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown)}`,
      hint: 'Give a pylock.toml (PEP 751), as uv and pip write it.',
      cause: thrown,
    });
  }
}

function toolOf(table: Table): Table {
  return tableOf(tableOf(table, 'tool') ?? {}, 'mir') ?? {};
}

function textOf(table: Table, key: string, where: string): string | undefined {
  const value = table[key];
  if (value === undefined || typeof value === 'string') return value;
  throw malformed(`"${key}" of ${where} is not a text`);
}

function textsOf(table: Table, key: string, where: string): readonly string[] {
  const value = table[key] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw malformed(`"${key}" of ${where} is not a list of texts`);
}

function tablesOf(table: Table, key: string, where: string): readonly Table[] {
  const value = table[key] ?? [];
  if (Array.isArray(value) && value.every((item) => isTable(item))) return value;
  throw malformed(`"${key}" of ${where} is not a list of tables`);
}

function tableOf(table: Table, key: string): Table | undefined {
  const value = table[key];
  if (value === undefined || isTable(value)) return value;
  throw malformed(`"${key}" is not a table`);
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function urlPath(url: string, name: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !/^(?:https?|file):$/.test(parsed.protocol))
    throw malformed(`"${url}" of ${name} is not an address`);
  return decoded(parsed.pathname);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function malformed(what: string): Error {
  return pythonFault('lock/malformed', {
    what: `The lock cannot be used: ${what}`,
    hint: 'Give a pylock.toml (PEP 751), as uv and pip write it.',
  });
}
