import { createHash } from 'node:crypto';
import { Fault, type Platform, platforms } from '@mir/core';
import { type Digest, isDigest } from '@mir/oci';
import { formatLock, type Lock, parseLock, type Target } from '@mir/python';
import { parse } from 'smol-toml';
import type { InstalledDeb } from '../base/base.ts';
import { builderFault } from '../fault.ts';

/** Everything that decides an image's bytes: the packages of Python, those of the operating system, and the base. */
export type ImageLock = {
  readonly python: Lock;
  readonly base: LockedBase;
  /** Digest of the Python that compiles the bytecode; undefined where none is made. */
  readonly bytecodeCompiler: string | undefined;
  /** .debs on top of the base, in the order in which they are configured. */
  readonly osPackages: readonly InstalledDeb[];
};

/** The base of a lock. */
export type LockedBase = {
  /** `debian:bookworm`, or `oci:` with the reference it was pulled by. */
  readonly name: string;
  readonly digest: Digest;
  /** The .debs that a Debian base is made of; empty for other bases. */
  readonly packages: readonly InstalledDeb[];
};

/** What a lock says beyond Python's packages; a lock that another tool wrote says none of it. */
export type LockedSystem = Pick<ImageLock, 'base' | 'bytecodeCompiler' | 'osPackages'>;

const table = 'tool.mir';

/**
 * A lock as pylock.toml (PEP 751), with the base and the OS packages in a `[tool]` table. Without addresses it is the form that goes into
 * the image and that {@link lockDigest} is the digest of: a mirror gives the same.
 */
export function formatImageLock(lock: ImageLock, options: { readonly addresses: boolean }): string {
  const { base, bytecodeCompiler, osPackages } = lock;
  const lines = [
    '',
    `[${table}.base]`,
    // A name may hold a registry's address; the digest says what it is.
    ...(options.addresses || !base.name.startsWith('oci:') ? [`name = ${quoted(base.name)}`] : []),
    `digest = ${quoted(base.digest)}`,
    ...(bytecodeCompiler === undefined ? [] : ['', `[${table}.bytecode]`, `compiler = ${quoted(bytecodeCompiler)}`]),
    ...base.packages.flatMap((one) => debTable('base.package', one)),
    ...osPackages.flatMap((one) => debTable('os-package', one)),
    '',
  ];
  return `${formatLock(lock.python, options).trimEnd()}\n${lines.join('\n')}`;
}

/** The identity of a lock: sha256 of its form without addresses. */
export function lockDigest(lock: ImageLock): Digest {
  return `sha256:${createHash('sha256')
    .update(formatImageLock(lock, { addresses: false }))
    .digest('hex')}`;
}

/** The packages of Python in a lock file, for a target. @throws Fault `lock/*`, naming the file */
export function readPythonLock(text: string, path: string, target: Target): Lock {
  try {
    return parseLock(text, target);
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.message.includes(path)) throw thrown;
    throw new Fault(thrown.code, {
      what: `${path}: ${thrown.message}`,
      subject: path,
      hint: thrown.hint,
      cause: thrown,
    });
  }
}

/** The base and OS packages in a lock file, where it has them. @throws Fault `lock/unreadable` */
export function readLockedSystem(text: string, path: string): LockedSystem | undefined {
  const document = parseToml(text, path);
  if (typeof document['lock-version'] !== 'string') {
    throw new Fault('lock/unsupported-version', {
      what: `${path} is no lock: it has no lock-version`,
      subject: path,
      hint: 'Give a pylock.toml (PEP 751), for example the one that --lock-out writes.',
    });
  }
  const system = tableOf(tableOf(document, 'tool'), 'mir');
  const base = tableOf(system, 'base');
  if (base === undefined) return undefined;
  const name = base['name'];
  const digest = base['digest'];
  if (typeof digest !== 'string' || !isDigest(digest)) throw unreadable(path, `${table}.base has no digest`);
  const compiler = tableOf(system, 'bytecode')?.['compiler'];
  return {
    bytecodeCompiler: typeof compiler === 'string' ? compiler : undefined,
    base: {
      name: typeof name === 'string' ? name : '',
      digest,
      packages: debsOf(base['package'], path),
    },
    osPackages: debsOf(system?.['os-package'], path),
  };
}

/** The platform that a lock was made for; undefined for one of another tool, which may be for several. */
export function platformOfLock(text: string, path: string): Platform | undefined {
  const said = tableOf(tableOf(parseToml(text, path), 'tool'), 'mir')?.['architecture'];
  const system = readLockedSystem(text, path);
  const ofPackage = system?.base.packages.find(({ architecture }) => architecture !== 'all')?.architecture;
  return platforms.find((platform) => platform === `linux/${said ?? ofPackage}`);
}

function debTable(name: string, one: InstalledDeb): string[] {
  return [
    '',
    `[[${table}.${name}]]`,
    `name = ${quoted(one.name)}`,
    `version = ${quoted(one.version)}`,
    `architecture = ${quoted(one.architecture)}`,
    `path = ${quoted(one.filename)}`,
    `size = ${one.sizeBytes}`,
    `sha256 = ${quoted(one.sha256)}`,
  ];
}

/** A TOML basic string; JSON's escapes are a subset of TOML's. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function debsOf(list: unknown, path: string): InstalledDeb[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw unreadable(path, 'its OS packages are not a list');
  return list.map((one: unknown) => {
    const { name, version, architecture, path: filename, size, sha256 } = (one ?? {}) as Record<string, unknown>;
    const isComplete =
      typeof name === 'string' &&
      /^[a-z0-9][a-z0-9+.-]+$/.test(name) &&
      typeof version === 'string' &&
      typeof architecture === 'string' &&
      typeof filename === 'string' &&
      /^pool\/[\w+.~%:/-]+\.deb$/.test(filename) &&
      !filename.includes('..') &&
      typeof size === 'number' &&
      Number.isSafeInteger(size) &&
      size > 0 &&
      typeof sha256 === 'string' &&
      /^[0-9a-f]{64}$/.test(sha256);
    if (!isComplete) throw unreadable(path, 'an OS package in it is not complete');
    return { name, version, architecture, filename, sizeBytes: size, sha256 };
  });
}

function tableOf(of: Record<string, unknown> | undefined, name: string): Record<string, unknown> | undefined {
  const value = of?.[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function parseToml(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (thrown) {
    throw unreadable(path, thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : 'it is not TOML');
  }
}

function unreadable(path: string, why: string) {
  return builderFault('lock/unreadable', {
    what: `${path} cannot be used as a lock: ${why}`,
    subject: path,
    hint: 'Use the pylock.toml that `mir build` or `mir plan --lock-out` wrote, unchanged.',
  });
}
