import { isName, normalizeName } from '@mir/python';
import type { Linked } from '../plan/missing-libraries.ts';
import { asClaims, type Claims, claimsOf, cleaned, listIn, numberIn, textIn, textsIn } from './claims.ts';

/** What is in the environment of an image, read from its files before anything of a package has run. */
export type Inventory = {
  readonly interpreter: InstalledInterpreter | undefined;
  /** By normalised name. */
  readonly distributions: ReadonlyMap<string, Distribution>;
  /** Those of the libraries that distributions need which the system has. */
  readonly systemLibraries: ReadonlySet<string>;
};

/** The Python that an image starts. */
export type InstalledInterpreter = {
  readonly version: string;
  /** `x86_64`, `aarch64`. */
  readonly machine: string;
  /** Where the base has it. */
  readonly own: string;
  /** What the environment starts. */
  readonly started: string;
};

/** An installed distribution. */
export type Distribution = {
  /** Normalised. */
  readonly name: string;
  readonly version: string;
  /** Requires-Dist, as written. */
  readonly requirements: readonly string[];
  /** Modules at its top. */
  readonly modules: readonly string[];
  readonly scripts: readonly ConsoleScript[];
  readonly libraries: Linked['libraries'];
  /** Of its libraries: what is large takes long to import. */
  readonly weightBytes: number;
};

/** A console script and what it would call. */
export type ConsoleScript = {
  readonly name: string;
  /** `package.module:function`. */
  readonly target: string;
  /** Extras without which it is not meant to work. */
  readonly extras: readonly string[];
  /** What is wrong with its file, where something is. */
  readonly wrong: string | undefined;
};

const mostDistributions = 5_000;
const modulePattern = /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*$/u;
const targetPattern = /^[\p{L}_][\p{L}\p{N}_.]*(?:\s*:\s*[\p{L}_][\p{L}\p{N}_.]*)?$/u;
const scriptPattern = /^[\w.+-]{1,128}$/;

/** Reads what the program printed. */
export function readInventory(lines: readonly string[]): Inventory {
  const found = lines.map((line) => claimsOf(line)).filter((claims) => claims !== undefined);
  const ofKind = (kind: string) => found.filter((claims) => claims['kind'] === kind);
  const distributions = ofKind('distribution').slice(0, mostDistributions).flatMap(distributionOf);
  const [interpreter] = ofKind('interpreter').map(interpreterOf);
  const [system] = ofKind('system');
  return {
    interpreter,
    distributions: new Map(distributions.map((one) => [one.name, one])),
    systemLibraries: new Set(system === undefined ? [] : textsIn(system, 'libraries', 10_000, 200)),
  };
}

function interpreterOf(claims: Claims): InstalledInterpreter {
  const text = (name: string) => textIn(claims, name, 200) ?? '';
  return {
    version: text('version'),
    machine: text('machine'),
    own: text('own'),
    started: text('started'),
  };
}

function distributionOf(claims: Claims): Distribution[] {
  const name = textIn(claims, 'name', 200);
  if (name === undefined || !isName(name)) return [];
  return [
    {
      name: normalizeName(name),
      version: textIn(claims, 'version', 100) ?? '',
      requirements: textsIn(claims, 'requires', 2_000, 2_000),
      modules: textsIn(claims, 'modules', 24, 200).filter((module) => modulePattern.test(module)),
      scripts: listIn(claims, 'scripts', 200).flatMap(scriptOf),
      libraries: {
        bundled: textsIn(claims, 'brings', 20_000, 200),
        needed: listIn(claims, 'needed', 5_000).flatMap(neededOf),
        glibc: undefined,
      },
      weightBytes: numberIn(claims, 'bytes') ?? 0,
    },
  ];
}

function scriptOf(value: unknown): ConsoleScript[] {
  const claims = asClaims(value);
  const name = claims === undefined ? undefined : textIn(claims, 'name', 200);
  const target = claims === undefined ? undefined : textIn(claims, 'target', 400);
  if (claims === undefined || name === undefined || target === undefined || !scriptPattern.test(name)) return [];
  const wrong = targetPattern.test(target) ? textIn(claims, 'wrong', 400) : `"${target}" names no function`;
  const extras = textsIn(claims, 'extras', 20, 100).map(normalizeName);
  return [{ name, target, extras, wrong }];
}

function neededOf(value: unknown): { readonly soname: string; readonly by: string }[] {
  const [soname, by] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  const isSound = typeof soname === 'string' && typeof by === 'string' && soname.length <= 200 && by.length <= 1_000;
  return isSound ? [{ soname: cleaned(soname), by: cleaned(by) }] : [];
}
