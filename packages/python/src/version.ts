import * as pep440 from '@renovatebot/pep440';
import { pythonFault } from './fault.ts';

type Explained = NonNullable<ReturnType<typeof pep440.explain>>;
type Clause = { readonly operator: string; readonly version: string; readonly prefix: boolean };

const clausePattern = /^\s*(===|~=|==|!=|<=|>=|<|>)\s*([^\s,;()]+)\s*$/;

/** The canonical spelling of a version (PEP 440). @throws Fault `version/malformed` */
export function normalizeVersion(version: string): string {
  const { local, public: open } = explain(version);
  return local === null ? open : `${open}+${local}`;
}

/** Negative, zero or positive, as the first version is older, equal or newer (PEP 440 order). @throws Fault `version/malformed` */
export function compareVersions(one: string, other: string): number {
  explain(one);
  explain(other);
  return pep440.compare(one.trim(), other.trim());
}

/** The newest of some versions, or undefined when there is none. */
export function highestVersion(versions: readonly string[]): string | undefined {
  return versions.reduce<string | undefined>(
    (highest, version) => (highest === undefined || compareVersions(version, highest) > 0 ? version : highest),
    undefined,
  );
}

/**
 * Whether a version meets specifiers such as `>=1.2,<2` (PEP 440; an empty text is met by all). Pre-releases meet
 * them when the numbers say so: which are offered at all is the resolver's affair.
 *
 * @throws Fault `version/malformed`
 */
export function satisfies(version: string, specifier: string): boolean {
  return parseSpecifier(specifier).every((clause) => meets(version.trim(), clause));
}

/** Whether a text is a version (PEP 440). */
export function isVersion(text: string): boolean {
  return explained(text) !== null;
}

/** The first clause of a specifier that no version can be compared with, if there is one. */
export function firstMalformedClause(specifier: string): string | undefined {
  return clausesOf(specifier).find((clause) => readClause(clause) === undefined);
}

function parseSpecifier(specifier: string): readonly Clause[] {
  return clausesOf(specifier).map((text) => {
    const clause = readClause(text);
    if (clause === undefined) {
      throw pythonFault('version/malformed', {
        what: `"${text.trim()}" is not a version specifier`,
        subject: specifier,
        hint: 'Write an operator and a version, for example ">=1.2,<2".',
      });
    }
    return clause;
  });
}

function clausesOf(specifier: string): readonly string[] {
  const clauses = specifier.split(',');
  // A trailing comma is allowed by the grammar's readers everywhere, an empty clause in between is not.
  if (clauses.at(-1)?.trim() === '') clauses.pop();
  return clauses;
}

function readClause(text: string): Clause | undefined {
  const [, operator, written] = clausePattern.exec(text) ?? [];
  if (operator === undefined || written === undefined) return undefined;
  if (operator === '===') return { operator, version: written, prefix: false };
  const prefix = written.endsWith('.*');
  const version = prefix ? written.slice(0, -2) : written;
  const wanted = explained(version);
  if (wanted === null) return undefined;
  const equality = operator === '==' || operator === '!=';
  if (!equality && (wanted.local !== null || prefix)) return undefined;
  if (prefix && (wanted.is_devrelease || wanted.local !== null)) return undefined;
  if (operator === '~=' && wanted.release.length < 2) return undefined;
  return { operator, version, prefix };
}

// @renovatebot/pep440 has its own `satisfies`, which leaves out zero padding of prefixes ("1" against "==1.0.*") and
// answers "no" to "1.0" against ">1.0a1": the clauses of PEP 440 are therefore compared here.
function meets(version: string, clause: Clause): boolean {
  if (clause.operator === '===') return version.toLowerCase() === clause.version.toLowerCase();
  const candidate = explain(version);
  const wanted = explain(clause.version);
  switch (clause.operator) {
    case '==':
      return clause.prefix ? startsWith(candidate, wanted) : equals(candidate, wanted, clause.version, version);
    case '!=':
      return !(clause.prefix ? startsWith(candidate, wanted) : equals(candidate, wanted, clause.version, version));
    case '<=':
      return pep440.compare(candidate.public, clause.version) <= 0;
    case '>=':
      return pep440.compare(candidate.public, clause.version) >= 0;
    case '~=': {
      const series = { epoch: wanted.epoch, release: wanted.release.slice(0, -1), pre: null, post: null };
      return pep440.compare(candidate.public, clause.version) >= 0 && startsWith(candidate, series);
    }
    case '<':
      return isBefore(version, candidate, clause.version, wanted);
    default:
      return isAfter(version, candidate, clause.version, wanted);
  }
}

function equals(candidate: Explained, wanted: Explained, wantedText: string, candidateText: string): boolean {
  return pep440.compare(wanted.local === null ? candidate.public : candidateText, wantedText) === 0;
}

/** Exclusive ordered comparison: `<3.0` leaves out 3.0's own pre-releases. */
function isBefore(version: string, candidate: Explained, wantedText: string, wanted: Explained): boolean {
  if (pep440.compare(version, wantedText) >= 0) return false;
  return (
    wanted.is_prerelease ||
    !candidate.is_prerelease ||
    pep440.compare(candidate.base_version, wanted.base_version) !== 0
  );
}

/** Exclusive ordered comparison: `>3.0` leaves out 3.0's own post-releases and local builds. */
function isAfter(version: string, candidate: Explained, wantedText: string, wanted: Explained): boolean {
  if (pep440.compare(version, wantedText) <= 0) return false;
  const sameBase = pep440.compare(candidate.base_version, wanted.base_version) === 0;
  if (!wanted.is_postrelease && candidate.is_postrelease && sameBase) return false;
  return candidate.local === null || !sameBase;
}

type Series = Pick<Explained, 'epoch' | 'release'> & { readonly pre: unknown; readonly post: unknown };

function startsWith(candidate: Series, wanted: Series): boolean {
  if (candidate.epoch !== wanted.epoch) return false;
  if (!wanted.release.every((number, index) => (candidate.release[index] ?? 0) === number)) return false;
  // "==1.0a1.*" and "==1.0.post1.*" are legal: the series is then fixed up to and including the suffix.
  if (wanted.pre === null && wanted.post === null) return true;
  if (String(candidate.pre) !== String(wanted.pre)) return false;
  return wanted.post === null || candidate.post === wanted.post;
}

function explain(version: string): Explained {
  const found = explained(version.trim());
  if (found === null) {
    throw pythonFault('version/malformed', {
      what: `"${version}" is not a version`,
      subject: version,
      hint: 'Write a version as PEP 440 has it, for example "1.2.3" or "2.0rc1".',
    });
  }
  return found;
}

/** The parts of a version, or null. Numbers beyond 2^53 would be rounded, and other versions then be equal to it. */
function explained(version: string): Explained | null {
  const tooLarge = version.match(/\d{16,}/g)?.some((digits) => !Number.isSafeInteger(Number(digits))) ?? false;
  return tooLarge ? null : pep440.explain(version);
}
