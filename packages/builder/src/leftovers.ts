import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Home } from './home.ts';
import { sweepLocks } from './mutex.ts';

/** What is older than this belongs to nobody who still works. */
const graceMilliseconds = 3_600_000;

const aside = /\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Removes what killed processes have left behind beside the blobs: files that were to be renamed, scratch folders, locks.
 *
 * @returns how many there were, locks not counted: they belong to nobody
 */
export async function sweepLeftovers(home: Home, options: { readonly dryRun: boolean }): Promise<number> {
  const cache = (name: string) => join(home.cache, name);
  const places: readonly (readonly [folder: string, unfinished: RegExp])[] = [
    [home.records, aside],
    ...[
      'images',
      'bases',
      'selections',
      'locks',
      'indexes',
      'forecasts',
      'registries',
      'interpreters',
      'interpreters/for-uv',
      'proofs',
      'sdists',
      'built-wheels',
      'sandbox',
    ].map((name) => [cache(name), aside] as const),
    [cache('debian'), /^\./],
    [home.cache, /^(?:uv-download|configuration|bytecode)-/],
    [cache('uv'), /^uv-run-/],
  ];
  let swept = 0;
  for (const [folder, unfinished] of places) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (!unfinished.test(name)) continue;
      const facts = await stat(join(folder, name)).catch(() => undefined);
      if (facts === undefined || Date.now() - facts.mtimeMs < graceMilliseconds) continue;
      if (!options.dryRun) await rm(join(folder, name), { recursive: true, force: true });
      swept += 1;
    }
  }
  if (!options.dryRun) await sweepLocks(home.locks);
  return swept;
}
