import { pythonFault } from '../fault.ts';
import { isName, normalizeName } from '../requirement.ts';
import { supportedTags, type Target } from '../target.ts';
import { isVersion } from '../version.ts';

/** What a wheel's file name says (PEP 427, binary distribution format). */
export type WheelFilename = {
  /** Normalised (PEP 503). */
  readonly name: string;
  readonly version: string;
  readonly build?: { readonly number: number; readonly rest: string };
  /** Every tag of the compressed tag set, `cp311-cp311-manylinux_2_17_x86_64`. */
  readonly tags: readonly string[];
};

/** Reads a wheel's file name. @throws Fault `wheel/file-name` */
export function parseWheelFilename(filename: string): WheelFilename {
  const parts = filename.endsWith('.whl') ? filename.slice(0, -4).split('-') : [];
  const [name, version] = parts;
  const [python, abi, platform] = parts.slice(-3);
  const [, number, rest] = /^(\d+)(.*)$/.exec(parts.length === 6 ? (parts[2] ?? '') : '0') ?? [];
  const wellFormed =
    (parts.length === 5 || parts.length === 6) &&
    name !== undefined &&
    isName(name) &&
    version !== undefined &&
    isVersion(version.replaceAll('_', '-')) &&
    number !== undefined &&
    [python, abi, platform].every((part) => /^[\w.]+$/.test(part ?? ''));
  if (!wellFormed) {
    throw pythonFault('wheel/file-name', {
      what: `"${filename}" is not the file name of a wheel`,
      subject: filename,
      hint: 'A wheel is named as name-version[-build]-python-abi-platform.whl.',
    });
  }
  const tags = (python ?? '')
    .split('.')
    .flatMap((py) =>
      (abi ?? '').split('.').flatMap((ab) => (platform ?? '').split('.').map((pl) => `${py}-${ab}-${pl}`)),
    );
  return {
    name: normalizeName(name),
    // Escaped versions carry "_" where the version has "-" or, in a local part, nothing else that a name forbids.
    version: version.replaceAll('_', '-'),
    ...(parts.length === 6 && { build: { number: Number(number), rest: rest ?? '' } }),
    tags,
  };
}

/**
 * The best of several wheels for a target: the most specific tag first, then the highest build number (PEP 427),
 * then the file name. Undefined when none of them runs there.
 */
export function chooseWheel<File extends { readonly filename: string }>(
  files: readonly File[],
  target: Target,
): File | undefined {
  const rank = new Map(supportedTags(target).map((tag, index) => [tag, index]));
  let best: { readonly file: File; readonly key: readonly [number, number, string, string] } | undefined;
  for (const file of files) {
    const { tags, build } = parseWheelFilename(file.filename);
    const position = Math.min(...tags.map((tag) => rank.get(tag) ?? Number.POSITIVE_INFINITY));
    if (position === Number.POSITIVE_INFINITY) continue;
    const key = [position, -(build?.number ?? -1), build?.rest ?? '', file.filename] as const;
    if (best === undefined || isBefore(key, best.key)) best = { file, key };
  }
  return best?.file;
}

function isBefore(
  one: readonly [number, number, string, string],
  other: readonly [number, number, string, string],
): boolean {
  if (one[0] !== other[0]) return one[0] < other[0];
  if (one[1] !== other[1]) return one[1] < other[1];
  // A longer build tag with the same number is the later one.
  return one[2] !== other[2] ? one[2] > other[2] : one[3] < other[3];
}
