import { isFault } from '@mir/core';
import {
  evaluateMarker,
  type MarkerEnvironment,
  markerEnvironment,
  parseRequirement,
  type Requirement,
  satisfies,
} from '@mir/python';
import type { Distribution } from './inventory.ts';
import type { BrokenDependency } from './probe-report.ts';

/** What installed distributions require of each other, under the markers of the image and with the extras that are asked for. */
export type Dependencies = {
  readonly broken: readonly BrokenDependency[];
  /** Distributions that no other one requires, sorted; of some that require each other the first. */
  readonly roots: readonly string[];
  /** A distribution and all that it requires, directly or not. */
  readonly closureOf: (name: string) => ReadonlySet<string>;
  /** The extras of a distribution that somebody asks for. */
  readonly extrasOf: (name: string) => ReadonlySet<string>;
};

type Installed = ReadonlyMap<string, Distribution>;
type WrittenRequirement = { readonly text: string; readonly requirement: Requirement };

/** Checks every requirement of every installed distribution. */
export function checkDependencies(
  installed: Installed,
  wishes: readonly Requirement[],
  environment: MarkerEnvironment,
): Dependencies {
  const requirements = new Map([...installed].map(([name, one]) => [name, one.requirements.flatMap(written)]));
  const extras = activeExtras(requirements, wishes, environment);
  const broken: BrokenDependency[] = [];
  const required = new Map<string, Set<string>>([...installed.keys()].map((name) => [name, new Set()]));
  for (const [name, list] of requirements) {
    for (const { text, requirement } of list) {
      if (!counts(requirement, environment, extras.get(name))) continue;
      required.get(name)?.add(requirement.name);
      const found = installed.get(requirement.name)?.version;
      if (found !== undefined && meets(found, requirement.specifier)) continue;
      broken.push({ name, requirement: withoutMarker(text), ...(found !== undefined && { found }) });
    }
  }
  return {
    broken,
    roots: rootsOf(required),
    closureOf: (name) => closureOf(name, required),
    extrasOf: (name) => extras.get(name) ?? new Set(),
  };
}

/** The variables of markers in an image. */
export function environmentOf(pythonVersion: string, platform: string): MarkerEnvironment {
  const architecture = platform === 'linux/arm64' ? 'arm64' : 'amd64';
  return markerEnvironment({ pythonVersion, architecture, libc: { family: 'glibc', version: '0' } });
}

/** Whether a requirement counts here. A marker that cannot be evaluated is taken to hold for nobody. */
export function counts(
  { marker }: Requirement,
  environment: MarkerEnvironment,
  extras: ReadonlySet<string> = new Set(),
): boolean {
  if (marker === undefined) return true;
  try {
    return evaluateMarker(marker, { ...environment, extras: [...extras] });
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return false;
  }
}

/** The requirement that a text is; nothing where it is none, as old packages have some. */
export function written(text: string): WrittenRequirement[] {
  try {
    return [{ text, requirement: parseRequirement(text) }];
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return [];
  }
}

/** Extras spread: `a` requires `b[x]`, and what `b` requires for `x` may have extras again. */
function activeExtras(
  requirements: ReadonlyMap<string, readonly WrittenRequirement[]>,
  wishes: readonly Requirement[],
  environment: MarkerEnvironment,
): ReadonlyMap<string, ReadonlySet<string>> {
  const active = new Map<string, Set<string>>();
  const waiting = new Set(requirements.keys());
  const ask = ({ name, extras }: Requirement) => {
    const known = active.get(name) ?? new Set();
    active.set(name, known);
    if (extras.every((extra) => known.has(extra))) return;
    for (const extra of extras) known.add(extra);
    waiting.add(name);
  };
  for (const wish of wishes) ask(wish);
  for (const name of waiting) {
    waiting.delete(name);
    for (const { requirement } of requirements.get(name) ?? []) {
      if (requirement.extras.length > 0 && counts(requirement, environment, active.get(name))) ask(requirement);
    }
  }
  return active;
}

function rootsOf(required: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  const names = [...required.keys()].sort();
  const isRequired = new Set([...required].flatMap(([name, others]) => [...others].filter((other) => other !== name)));
  const roots = names.filter((name) => !isRequired.has(name));
  const covered = new Set(roots.flatMap((name) => [...closureOf(name, required)]));
  for (const name of names) {
    if (covered.has(name)) continue;
    roots.push(name);
    for (const one of closureOf(name, required)) covered.add(one);
  }
  return roots.sort();
}

function closureOf(name: string, required: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const found = new Set([name]);
  // What is added meanwhile is visited as well.
  for (const one of found) for (const next of required.get(one) ?? []) found.add(next);
  return found;
}

function meets(version: string, specifier: string): boolean {
  try {
    return satisfies(version, specifier);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    // A version of before PEP 440 cannot be compared with anything.
    return true;
  }
}

function withoutMarker(text: string): string {
  return text.replace(/\s*;.*$/s, '').slice(0, 300);
}
