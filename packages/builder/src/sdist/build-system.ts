import { createReadStream } from 'node:fs';
import { isFault } from '@mir/core';
import { readLayer } from '@mir/oci';
import { parse } from 'smol-toml';
import { builderFault } from '../fault.ts';

const pyprojectLimitBytes = 1 << 20;
/** What is built has to fit into the sandbox; more is read by nobody. */
const readLimits = { entries: 200_000, uncompressedBytes: 4 * 1024 ** 3 } as const;

/** How a source distribution says that it is built (PEP 517, PEP 518). */
export type BuildSystem = {
  readonly requires: readonly string[];
  readonly backend: string;
  /** Folders of the sources that the backend itself is in. */
  readonly backendPath: readonly string[];
};

/** What counts where a source distribution says nothing (PEP 517, "Source trees"). */
const setuptools: BuildSystem = {
  requires: ['setuptools>=40.8.0', 'wheel'],
  backend: 'setuptools.build_meta:__legacy__',
  backendPath: [],
};

/** Reads the build system out of a source distribution, and nothing else of it. @throws Fault `sdist/unreadable` */
export async function readBuildSystem(path: string, filename: string): Promise<BuildSystem> {
  const text = await pyprojectOf(path, filename);
  if (text === undefined) return setuptools;
  let table: unknown;
  try {
    table = parse(text)['build-system'];
  } catch {
    throw unreadable(filename, 'its pyproject.toml is not in TOML');
  }
  if (table === undefined) return setuptools;
  const { requires, 'build-backend': backend, 'backend-path': backendPath = [] } = table as Record<string, unknown>;
  if (!isTexts(requires)) throw unreadable(filename, 'its build-system does not list what it requires');
  if (!isTexts(backendPath) || backendPath.some((one) => one.startsWith('/') || one.split('/').includes('..')))
    throw unreadable(filename, 'its backend-path leads out of it');
  if (backend === undefined) return { ...setuptools, requires };
  if (typeof backend !== 'string' || !/^[\w.]+(:[\w.]+)?$/.test(backend))
    throw unreadable(filename, 'its build-backend is no name');
  return { requires, backend, backendPath };
}

async function pyprojectOf(path: string, filename: string): Promise<string | undefined> {
  try {
    for await (const entry of readLayer(createReadStream(path), readLimits)) {
      if (entry.type !== 'file' || !/^[^/]+\/pyproject\.toml$/.test(entry.path)) continue;
      if (entry.sizeBytes > pyprojectLimitBytes) throw unreadable(filename, 'its pyproject.toml is larger than 1 MiB');
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry.content) chunks.push(Uint8Array.from(chunk));
      return Buffer.concat(chunks).toString('utf8');
    }
    return undefined;
  } catch (thrown) {
    if (!isFault(thrown) || !thrown.code.startsWith('layer/')) throw thrown;
    throw unreadable(filename, thrown.message);
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function unreadable(filename: string, why: string) {
  return builderFault('sdist/unreadable', {
    what: `${filename} is not a source distribution that can be built: ${why}`,
    subject: filename,
    hint: 'Ask for another version of it, or for one that has a wheel.',
  });
}
