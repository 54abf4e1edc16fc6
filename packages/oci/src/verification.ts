import { isFault } from '@mir/core';
import type { WrittenBlob } from './blob-writer.ts';
import type { Digest } from './digest.ts';
import { parseManifest, requiredContent } from './image/manifest.ts';
import type { RepositoryStore } from './repository-store.ts';

/** How stored content is verified. */
export type VerificationOptions = {
  /**
   * Set damaged blobs aside, so that they are made or fetched anew, and drop manifests that cannot be read any more and tags that
   * name nothing.
   */
  readonly repair?: boolean;
  readonly onBlob?: (blob: WrittenBlob) => void;
};

/** An image that cannot be pulled as it is. */
export type BrokenImage = {
  readonly repository: string;
  readonly digest: Digest;
  readonly tags: readonly string[];
  /** What it needs and what is damaged or gone: blobs, and of an index also the manifests of its images. */
  readonly lacks: readonly Digest[];
};

/** A tag that names nothing, or whose file holds no digest any more. */
export type BrokenTag = { readonly repository: string; readonly tag: string };

/** What was found. */
export type VerificationReport = {
  readonly blobs: number;
  readonly bytes: number;
  readonly damaged: readonly WrittenBlob[];
  readonly brokenImages: readonly BrokenImage[];
  readonly brokenTags: readonly BrokenTag[];
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
  const brokenTags: BrokenTag[] = [];
  for (const repository of await store.repositories()) {
    const named = await namedBy(store, repository);
    for (const [tag, digest] of named) if (digest === undefined) brokenTags.push({ repository, tag });
    const inspection = new RepositoryInspection(store, repository, untrue);
    for (const digest of await store.manifests(repository)) {
      const lacks = await inspection.lackOf(digest);
      const tags = [...named].filter(([, one]) => one === digest).map(([tag]) => tag);
      if (lacks.length > 0) brokenImages.push({ repository, digest, tags, lacks });
    }
  }
  if (options.repair === true) {
    for (const { digest } of damaged) {
      // It may have been made anew while the others were read.
      if ((await store.blobs.isTrue(digest)) === false) await store.blobs.setAside(digest);
    }
    for (const { repository, digest, lacks } of brokenImages) {
      if (lacks.includes(digest) && !(await isReadable(store, repository, digest)))
        await store.dropManifest(repository, digest);
    }
    for (const { repository, tag } of brokenTags) {
      const named = await namedBy(store, repository);
      if (named.has(tag) && named.get(tag) === undefined) await store.deleteTag(repository, tag);
    }
  }
  return { blobs, bytes, damaged, brokenImages, brokenTags };
}

/** Finds out what the manifests of one repository lack, each looked at once. */
class RepositoryInspection {
  readonly #store: RepositoryStore;
  readonly #repository: string;
  readonly #untrue: ReadonlySet<Digest>;
  readonly #known = new Map<Digest, Promise<readonly Digest[]>>();

  constructor(store: RepositoryStore, repository: string, untrue: ReadonlySet<Digest>) {
    this.#store = store;
    this.#repository = repository;
    this.#untrue = untrue;
  }

  /** What a manifest, and what it lists, lacks; itself where it cannot be read or is not there. */
  lackOf(digest: Digest): Promise<readonly Digest[]> {
    const known = this.#known.get(digest) ?? this.#find(digest);
    this.#known.set(digest, known);
    return known;
  }

  async #find(digest: Digest): Promise<readonly Digest[]> {
    if (this.#untrue.has(digest)) return [digest];
    const content = await readable(this.#store, this.#repository, digest);
    if (content === undefined) return [digest];
    const needed = content.blobs.map((blob) => blob.digest);
    const isThere = await Promise.all(needed.map((blob) => this.#store.blobs.has(blob)));
    const lost = needed.filter((blob, at) => this.#untrue.has(blob) || isThere[at] !== true);
    const inside = await Promise.all(content.manifests.map((child) => this.lackOf(child.digest)));
    return [...new Set([...lost, ...inside.flat()])];
  }
}

/** What a manifest needs, or undefined when it is not there or cannot be read. */
async function readable(store: RepositoryStore, repository: string, digest: Digest) {
  try {
    const stored = await store.getManifest(repository, digest);
    return stored === undefined ? undefined : requiredContent(parseManifest(stored.bytes, stored.mediaType));
  } catch (thrown) {
    if (isFault(thrown) && /^(blob|manifest)\//.test(thrown.code)) return undefined;
    throw thrown;
  }
}

async function isReadable(store: RepositoryStore, repository: string, digest: Digest): Promise<boolean> {
  return (await readable(store, repository, digest)) !== undefined;
}

/** The tags of a repository with what they name; undefined where that is nothing. */
async function namedBy(store: RepositoryStore, repository: string): Promise<ReadonlyMap<string, Digest | undefined>> {
  const named = new Map<string, Digest | undefined>();
  for (const tag of await store.tags(repository)) {
    const digest = await store.resolve(repository, tag).catch((thrown: unknown) => {
      if (isFault(thrown, 'repository/damaged')) return undefined;
      throw thrown;
    });
    // One that was taken away at this moment is none.
    if (digest !== undefined || (await store.tags(repository)).includes(tag)) named.set(tag, digest);
  }
  return named;
}
