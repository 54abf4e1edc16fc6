import { isFault } from '@mir/core';
import type { WrittenBlob } from './blob-store.ts';
import type { Digest } from './digest.ts';
import { parseManifest, requiredContent } from './image/manifest.ts';
import type { RepositoryStore } from './repository-store.ts';

/** How stored content is verified. */
export type VerificationOptions = {
  /** Set damaged blobs aside, so that they are made or fetched anew, and drop manifests that cannot be read any more. */
  readonly repair?: boolean;
  readonly onBlob?: (blob: WrittenBlob) => void;
};

/** An image that cannot be pulled as it is. */
export type BrokenImage = {
  readonly repository: string;
  readonly digest: Digest;
  readonly tags: readonly string[];
  /** Blobs that it needs and that are damaged or gone. */
  readonly lacks: readonly Digest[];
};

/** What was found. */
export type VerificationReport = {
  readonly blobs: number;
  readonly bytes: number;
  readonly damaged: readonly WrittenBlob[];
  readonly brokenImages: readonly BrokenImage[];
};

/** Reads every blob and every manifest of a store. May run beside any number of readers and writers. */
export async function verifyContent(
  store: RepositoryStore,
  options: VerificationOptions = {},
): Promise<VerificationReport> {
  let bytes = 0;
  let blobs = 0;
  const damaged: WrittenBlob[] = [];
  for await (const { digest, sizeBytes } of store.blobs.list()) {
    options.onBlob?.({ digest, sizeBytes });
    blobs += 1;
    bytes += sizeBytes;
    if ((await store.blobs.isTrue(digest)) === false) damaged.push({ digest, sizeBytes });
  }
  const untrue = new Set(damaged.map(({ digest }) => digest));
  const brokenImages: BrokenImage[] = [];
  for (const repository of await store.repositories()) {
    for (const digest of await store.manifests(repository)) {
      const lacks = await lackOf(store, repository, digest, untrue);
      if (lacks.length > 0)
        brokenImages.push({ repository, digest, tags: await tagsOf(store, repository, digest), lacks });
    }
  }
  if (options.repair === true) {
    for (const { digest } of damaged) await store.blobs.setAside(digest);
    for (const { repository, digest, lacks } of brokenImages) {
      if (lacks.includes(digest)) await store.dropManifest(repository, digest);
    }
  }
  return { blobs, bytes, damaged, brokenImages };
}

async function lackOf(
  store: RepositoryStore,
  repository: string,
  digest: Digest,
  untrue: ReadonlySet<Digest>,
): Promise<readonly Digest[]> {
  if (untrue.has(digest)) return [digest];
  try {
    const stored = await store.getManifest(repository, digest);
    if (stored === undefined) return [];
    const needed = requiredContent(parseManifest(stored.bytes, stored.mediaType)).blobs;
    const isThere = await Promise.all(needed.map((blob) => store.blobs.has(blob.digest)));
    return needed.map((blob) => blob.digest).filter((blob, at) => untrue.has(blob) || isThere[at] !== true);
  } catch (thrown) {
    if (isFault(thrown, 'blob/unknown', 'blob/damaged')) return [digest];
    throw thrown;
  }
}

async function tagsOf(store: RepositoryStore, repository: string, digest: Digest): Promise<readonly string[]> {
  const tags: string[] = [];
  for (const tag of await store.tags(repository)) {
    if ((await store.resolve(repository, tag)) === digest) tags.push(tag);
  }
  return tags;
}
