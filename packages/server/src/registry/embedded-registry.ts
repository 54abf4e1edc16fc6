import { dockerConfigCredentials, type RepositoryStore } from '@mir/oci';
import type { BuildTarget } from '../worker/build-message.ts';
import type { BuildersAccess, ImageRegistry, Lifecycle, StoredImage } from './image-registry.ts';

/** The registry that the server itself is: a folder of its home, which workers write to beside it. */
export class EmbeddedRegistry implements ImageRegistry {
  readonly host = undefined;
  readonly makesRepositories = false;
  readonly builders: BuildersAccess = {
    notes: undefined,
    credentials: dockerConfigCredentials(),
    paceOf: () => undefined,
    layerPool: undefined,
  };
  readonly #repositories: () => Promise<RepositoryStore>;

  constructor(repositories: () => Promise<RepositoryStore>) {
    this.#repositories = repositories;
  }

  async ensureRepository(): Promise<void> {
    // The first push makes it.
  }

  async isThere(): Promise<boolean> {
    return true;
  }

  async removeRepository(path: string): Promise<void> {
    await (await this.#repositories()).deleteRepository(path);
  }

  /** What no tag names any more is removed by `mir registry gc`. */
  async setLifecycle(path: string, { trimmedTags }: Lifecycle): Promise<readonly string[]> {
    const repositories = await this.#repositories();
    for (const tag of trimmedTags) await repositories.deleteTag(path, tag);
    return trimmedTags;
  }

  async images(path: string): Promise<readonly StoredImage[] | undefined> {
    const repositories = await this.#repositories();
    const tags = await repositories.tags(path);
    if (tags.length === 0) return undefined;
    const stored = await Promise.all(
      tags.map(async (tag) => ({ tag, digest: (await repositories.getManifest(path, tag))?.digest })),
    );
    return stored.flatMap(({ tag, digest }) =>
      digest === undefined ? [] : [{ digest, tags: [tag], sizeBytes: undefined }],
    );
  }

  target(path: string, tag: string): BuildTarget {
    return { kind: 'embedded', repository: path, tag };
  }

  location(path: string, end: string): string {
    return `${path}${end}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
