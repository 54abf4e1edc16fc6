import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BlobStore } from './blob-store.ts';
import type { Digest } from './digest.ts';
import { damagedFolder, isMissing, newTemporaryPath, temporaryFolder, writerIsAlive } from './durable-file.ts';
import { parseManifest } from './image/manifest.ts';
import type { RepositoryStore } from './repository-store.ts';

/** How garbage is collected. */
export type GarbageOptions = {
  /** Only tell what would be removed. */
  readonly dryRun?: boolean;
  /** Blobs that stay besides what manifests reach, for example cached layers. */
  readonly keep?: AsyncIterable<Digest> | Iterable<Digest>;
  /** What was written or touched within so many seconds stays: a push in progress needs it. Default: an hour. */
  readonly graceSeconds?: number;
};

/** What was (or would be) removed, and what stays. */
export type GarbageReport = {
  readonly blobs: number;
  readonly bytes: number;
  /** What an image or a known layer needs. */
  readonly neededBlobs: number;
  readonly neededBytes: number;
  /** What nothing needs (yet), and is too young to be removed: somebody may be about to refer to it. */
  readonly youngBlobs: number;
  readonly youngBytes: number;
  /** Unfinished files of writers that are gone, and blobs that were set aside because they were damaged. */
  readonly unfinishedFiles: number;
};

/**
 * Removes the blobs that no manifest of any repository reaches (mark and sweep), and what dead writers left. May run
 * beside any number of readers and writers. A manifest that cannot be read stops it before anything is removed.
 */
export async function collectGarbage(store: RepositoryStore, options: GarbageOptions = {}): Promise<GarbageReport> {
  const dryRun = options.dryRun ?? false;
  const youngestMilliseconds = Date.now() - (options.graceSeconds ?? 3600) * 1000;
  const reachable = await markReachable(store);
  for await (const digest of options.keep ?? []) reachable.add(digest);
  const report = {
    blobs: 0,
    bytes: 0,
    neededBlobs: 0,
    neededBytes: 0,
    youngBlobs: 0,
    youngBytes: 0,
    unfinishedFiles: 0,
  };
  for await (const blob of store.blobs.list()) {
    const garbage = !reachable.has(blob.digest) && blob.modifiedMilliseconds < youngestMilliseconds;
    if (garbage && (dryRun || (await sweepBlob(store.blobs, blob.digest, youngestMilliseconds)))) {
      report.blobs++;
      report.bytes += blob.sizeBytes;
    } else if (reachable.has(blob.digest)) {
      report.neededBlobs++;
      report.neededBytes += blob.sizeBytes;
    } else {
      report.youngBlobs++;
      report.youngBytes += blob.sizeBytes;
    }
  }
  const repositories = await store.repositories();
  const { directory } = store.blobs;
  const folders = [
    temporaryFolder(directory),
    damagedFolder(directory),
    ...repositories.map((name) => store.uploadFolder(name)),
  ];
  for (const folder of folders) report.unfinishedFiles += await sweepUnfinished(folder, youngestMilliseconds, dryRun);
  if (!dryRun) for (const repository of repositories) await dropDanglingLinks(store, repository);
  return report;
}

async function markReachable(store: RepositoryStore): Promise<Set<Digest>> {
  const reachable = new Set<Digest>();
  const visited = new Set<Digest>();
  for (const repository of await store.repositories()) {
    for (const digest of await store.manifests(repository)) {
      if (visited.has(digest)) continue;
      // A manifest that was deleted since it was listed keeps nothing.
      const stored = await store.getManifest(repository, digest);
      if (stored === undefined) continue;
      visited.add(digest);
      reachable.add(digest);
      const manifest = parseManifest(stored.bytes, stored.mediaType);
      // The manifests that an index lists stand in the repository themselves.
      if (manifest.kind === 'index') continue;
      reachable.add(manifest.manifest.config.digest);
      for (const layer of manifest.manifest.layers) reachable.add(layer.digest);
    }
  }
  return reachable;
}

/** Removes a blob unless somebody touches it at this very moment: aside first, a second look, then for good. */
async function sweepBlob(blobs: BlobStore, digest: Digest, youngestMilliseconds: number): Promise<boolean> {
  const aside = await newTemporaryPath(blobs.directory);
  try {
    await rename(blobs.path(digest), aside);
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
  if ((await stat(aside)).mtimeMs >= youngestMilliseconds) {
    await rename(aside, blobs.path(digest));
    return false;
  }
  await rm(aside, { force: true });
  return true;
}

async function sweepUnfinished(folder: string, youngestMilliseconds: number, dryRun: boolean): Promise<number> {
  let swept = 0;
  for (const path of await filesOf(folder)) {
    try {
      if ((await stat(path)).mtimeMs >= youngestMilliseconds || writerIsAlive(basename(path))) continue;
    } catch (thrown) {
      if (isMissing(thrown)) continue;
      throw thrown;
    }
    if (!dryRun) await rm(path, { force: true, recursive: true });
    swept++;
  }
  return swept;
}

async function dropDanglingLinks(store: RepositoryStore, repository: string): Promise<void> {
  for (const digest of await store.linkedBlobs(repository)) {
    if (!(await store.blobs.has(digest))) await store.unlinkBlob(repository, digest);
  }
}

async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).map((name) => join(folder, name));
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}
