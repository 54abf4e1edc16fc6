import { isFault } from '@mir/core';
import { pythonFault } from './fault.ts';
import { parseMarker } from './marker.ts';
import { firstMalformedClause } from './version.ts';

/** Where a requirement was written. */
export type RequirementSource = { readonly file: string; readonly line: number };

/** One requirement (PEP 508), with its name and extras normalised (PEP 503, PEP 685). */
export type Requirement = {
  readonly name: string;
  readonly extras: readonly string[];
  /** PEP 440 specifiers joined by commas; empty when any version will do. */
  readonly specifier: string;
  /** The condition under which it counts (PEP 508). */
  readonly marker?: string;
  /** A direct reference: the address of a wheel. */
  readonly url?: string;
  /** `sha256:<hex>` sums, one of which the file must have. */
  readonly hashes?: readonly string[];
  readonly source?: RequirementSource;
};

const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const nameStart = /[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?/y;
const specifierPart = /\s*(?:===|~=|==|!=|<=|>=|<|>)\s*[^\s,;()]+\s*/y;

/** A project's name as indexes compare it (PEP 503): lower case, runs of `-_.` as one `-`. */
export function normalizeName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

/** Whether a text can be a project's name (PEP 508). */
export function isName(text: string): boolean {
  return namePattern.test(text);
}

/**
 * Reads one requirement (PEP 508): `name[extra,…] >=1,<2 ; marker` or `name @ https://… ; marker`.
 *
 * @throws Fault `requirement/malformed`, with the column and what to write; `marker/malformed`
 */
export function parseRequirement(text: string, source?: RequirementSource): Requirement {
  const reader: Reader = { text, at: 0, source };
  skipSpace(reader);
  const name = takeName(reader);
  const extras = takeExtras(reader);
  skipSpace(reader);
  const url = text[reader.at] === '@' ? takeUrl(reader) : undefined;
  const specifier = url === undefined ? takeSpecifier(reader) : '';
  const marker = takeMarker(reader);
  return {
    name: normalizeName(name),
    extras: [...new Set(extras.map(normalizeName))].sort(),
    specifier,
    ...(marker !== undefined && { marker }),
    ...(url !== undefined && { url }),
    ...(source !== undefined && { source }),
  };
}

/** A requirement as one line of text (PEP 508); its hashes and source are not part of it. */
export function formatRequirement(requirement: Requirement): string {
  const extras = requirement.extras.length === 0 ? '' : `[${requirement.extras.join(',')}]`;
  const where = requirement.url === undefined ? requirement.specifier : ` @ ${requirement.url}`;
  return `${requirement.name}${extras}${where}${requirement.marker === undefined ? '' : ` ; ${requirement.marker}`}`;
}

/** `requirements.txt:3`, for messages. */
export function shownSource(source: RequirementSource | undefined): string | undefined {
  return source === undefined ? undefined : `${source.file}:${source.line}`;
}

type Reader = { readonly text: string; at: number; readonly source: RequirementSource | undefined };

function takeName(reader: Reader): string {
  nameStart.lastIndex = reader.at;
  const name = nameStart.exec(reader.text)?.[0];
  if (name === undefined) throw malformed(reader, 'the name of a package');
  reader.at += name.length;
  return name;
}

function takeExtras(reader: Reader): readonly string[] {
  skipSpace(reader);
  if (reader.text[reader.at] !== '[') return [];
  const close = reader.text.indexOf(']', reader.at);
  if (close < 0) throw malformed(reader, '"]" after the extras');
  const inside = reader.text.slice(reader.at + 1, close).trim();
  const extras = inside === '' ? [] : inside.split(',').map((extra) => extra.trim());
  const wrong = extras.find((extra) => !isName(extra));
  if (wrong !== undefined) throw malformed(reader, `extras separated by commas, but "${wrong}" is not a name`);
  reader.at = close + 1;
  return extras;
}

function takeUrl(reader: Reader): string {
  reader.at += 1;
  skipSpace(reader);
  const [url] = /^\S+/.exec(reader.text.slice(reader.at)) ?? [];
  if (url === undefined) throw malformed(reader, 'an address after "@"');
  reader.at += url.length;
  return url;
}

function takeSpecifier(reader: Reader): string {
  skipSpace(reader);
  const bracketed = reader.text[reader.at] === '(';
  if (bracketed) reader.at += 1;
  const clauses: string[] = [];
  for (;;) {
    specifierPart.lastIndex = reader.at;
    const part = specifierPart.exec(reader.text)?.[0];
    if (part === undefined) break;
    if (firstMalformedClause(part) !== undefined) {
      skipSpace(reader);
      throw malformed(reader, `a version after the operator, as in ">=1.2"; "${part.trim()}" is none`);
    }
    clauses.push(part.replace(/\s+/g, ''));
    reader.at += part.length;
    if (reader.text[reader.at] !== ',') break;
    reader.at += 1;
  }
  if (bracketed) {
    skipSpace(reader);
    if (reader.text[reader.at] !== ')') throw malformed(reader, '")" after the versions');
    reader.at += 1;
  }
  return clauses.join(',');
}

function takeMarker(reader: Reader): string | undefined {
  skipSpace(reader);
  if (reader.at >= reader.text.length) return undefined;
  if (reader.text[reader.at] !== ';') throw malformed(reader, expectedAfterName(reader));
  const marker = reader.text.slice(reader.at + 1).trim();
  try {
    parseMarker(marker);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    const where = shownSource(reader.source);
    throw pythonFault('marker/malformed', {
      what: where === undefined ? thrown.message : `${where}: ${thrown.message}`,
      hint: thrown.hint,
      ...(where !== undefined && { subject: where }),
    });
  }
  return marker;
}

/** The mistakes that people really make deserve their own words. */
function expectedAfterName(reader: Reader): string {
  const rest = reader.text.slice(reader.at);
  if (/^=[^=]/.test(rest)) return '"==" (two equals signs) for an exact version';
  if (/^[\d^]/.test(rest)) return 'an operator such as ==, >= or ~= before the version';
  return 'a version such as ">=1.2", "; " and a marker, or the end of the line';
}

function skipSpace(reader: Reader): void {
  while (reader.at < reader.text.length && /\s/.test(reader.text[reader.at] ?? '')) reader.at += 1;
}

function malformed(reader: Reader, expected: string): Error {
  const where = shownSource(reader.source);
  return pythonFault('requirement/malformed', {
    what: `${where === undefined ? '' : `${where}: `}"${reader.text.trim()}" cannot be read at column ${reader.at + 1}: expected ${expected}`,
    subject: where ?? reader.text.trim(),
    hint: 'Write a requirement as name, extras, versions and marker: pandas[parquet]>=2.1,<3 ; python_version >= "3.9"',
  });
}
