/** A version taken apart: `[epoch:]upstream[-revision]`. */
type VersionParts = { readonly epoch: number; readonly upstream: string; readonly revision: string };

/**
 * Which of two Debian versions is the newer, as deb-version(7) orders them: negative when `a` is the older, 0 when
 * they are equal (`1.0` and `1.0-0` are), positive when `a` is the newer.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = partsOf(a);
  const right = partsOf(b);
  return (
    left.epoch - right.epoch || comparePart(left.upstream, right.upstream) || comparePart(left.revision, right.revision)
  );
}

/** The part of a version that its upstream authors gave it: without Debian's epoch and revision. */
export function upstreamVersion(version: string): string {
  return partsOf(version).upstream;
}

/** Whether a version is allowed by an operator of a dependency, for example `>= 1.2`. */
export function satisfiesRelation(version: string, relation: VersionRelation, wanted: string): boolean {
  const order = compareVersions(version, wanted);
  switch (relation) {
    case '<<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
    case '>=':
      return order >= 0;
    case '>>':
      return order > 0;
  }
}

/** The operators of Debian policy 7.1. */
export type VersionRelation = '<<' | '<=' | '=' | '>=' | '>>';

function partsOf(version: string): VersionParts {
  const colon = version.indexOf(':');
  const epoch = colon < 0 ? 0 : Number.parseInt(version.slice(0, colon), 10) || 0;
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return dash < 0
    ? { epoch, upstream: rest, revision: '' }
    : { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

/** Runs of non-digits by the order of {@link weight}, runs of digits by their number, in turn. */
function comparePart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a.charCodeAt(i))) || (j < b.length && !isDigit(b.charCodeAt(j)))) {
      const difference = weight(a, i) - weight(b, j);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    while (a.charCodeAt(i) === 0x30) i += 1;
    while (b.charCodeAt(j) === 0x30) j += 1;
    let firstDifference = 0;
    while (isDigit(a.charCodeAt(i)) && isDigit(b.charCodeAt(j))) {
      firstDifference ||= a.charCodeAt(i) - b.charCodeAt(j);
      i += 1;
      j += 1;
    }
    if (isDigit(a.charCodeAt(i))) return 1;
    if (isDigit(b.charCodeAt(j))) return -1;
    if (firstDifference !== 0) return firstDifference;
  }
  return 0;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** `~` before the end, the end before letters, letters before everything else. */
function weight(text: string, position: number): number {
  if (position >= text.length) return 0;
  const code = text.charCodeAt(position);
  if (isDigit(code)) return 0;
  if (code === 0x7e) return -1;
  const letter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return letter ? code : code + 256;
}
