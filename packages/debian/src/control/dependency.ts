import { Fault } from '@mir/core';
import type { DebianFaultCode } from '../fault.ts';
import type { VersionRelation } from '../version/version.ts';

/** One possibility of a dependency: `name:qualifier (relation version)`. */
export type Possibility = {
  readonly name: string;
  /** The architecture qualifier (`any`, `native`, `amd64`), when there is one. */
  readonly qualifier?: string;
  readonly relation?: VersionRelation;
  readonly version?: string;
  /** Architecture restrictions (`[amd64 !arm64]`), which only source packages carry. */
  readonly architectures?: readonly string[];
};

/** One dependency: any of its possibilities will do. */
export type Dependency = readonly Possibility[];

const possibilityPattern =
  /^([a-zA-Z0-9][a-zA-Z0-9+.-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^\s()]+)\s*\))?\s*(?:\[\s*([^\]]*?)\s*\])?\s*(?:<[^>]*>\s*)*$/;

/**
 * The relations of a field such as Depends or Breaks (Debian policy 7.1): comma separated dependencies, each a list
 * of possibilities separated by `|`. The old `<` and `>` mean `<=` and `>=`. @throws Fault `control/syntax`
 */
export function parseDependencies(text: string): readonly Dependency[] {
  const dependencies: Dependency[] = [];
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    dependencies.push(part.split('|').map((one) => parsePossibility(one.trim(), text)));
  }
  return dependencies;
}

function parsePossibility(written: string, field: string): Possibility {
  // One blank each: the pattern would try every way to part a long row of them.
  const text = written.replace(/\s+/g, ' ');
  const match = possibilityPattern.exec(text);
  const name = match?.[1];
  if (match === null || name === undefined) {
    throw new Fault<DebianFaultCode>('control/syntax', {
      what: `"${text}" is not a package relation (in "${field.slice(0, 200)}")`,
      subject: text,
      hint: 'Write relations as Debian policy 7.1 does: name, name:any, name (>= 1.2), a | b.',
    });
  }
  const [, , qualifier, sign, version, architectures] = match;
  return {
    name,
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(sign === undefined || version === undefined ? {} : { relation: relationOf(sign), version }),
    ...(architectures === undefined ? {} : { architectures: architectures.split(/\s+/).filter((a) => a !== '') }),
  };
}

function relationOf(sign: string): VersionRelation {
  if (sign === '<') return '<=';
  if (sign === '>') return '>=';
  return sign as VersionRelation;
}

/** A relation field as dpkg writes it down in its status file: one blank after commas and around `|` and operators. */
export function formatDependencies(dependencies: readonly Dependency[]): string {
  return dependencies.map((dependency) => dependency.map(formatPossibility).join(' | ')).join(', ');
}

/** One possibility as dpkg writes it. */
export function formatPossibility(possibility: Possibility): string {
  const qualifier = possibility.qualifier === undefined ? '' : `:${possibility.qualifier}`;
  const version = possibility.version === undefined ? '' : ` (${possibility.relation} ${possibility.version})`;
  return `${possibility.name}${qualifier}${version}`;
}
