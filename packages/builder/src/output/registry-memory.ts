import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, type Image, isDigest } from '@mir/oci';

/** Images of a repository that are remembered; older ones hardly share anything that newer ones do not. */
const keptImages = 4;
const keptRepositories = 500;

/** An image that was pushed, and what it is made of. */
type PushedImage = { readonly digest: Digest; readonly blobs: readonly Digest[] };

type Remembered = {
  readonly repositories: Map<string, readonly PushedImage[]>;
  readonly pools: Map<string, Set<string>>;
  losesStreams: boolean;
};

/**
 * What one registry was seen to have: hints that save round trips, never the truth. A file of its own for each registry; losing it, or a
 * part of it to another process that writes at the same time, costs a few requests.
 */
export class RegistryMemory {
  readonly #path: string;
  readonly #known: Remembered;
  #isChanged = false;

  private constructor(path: string, known: Remembered) {
    this.#path = path;
    this.#known = known;
  }

  /** What is remembered in a file. */
  static async open(path: string): Promise<RegistryMemory> {
    return new RegistryMemory(path, parse(await readFile(path, 'utf8').catch(() => '')));
  }

  /** The images that a repository was last seen to have, the newest first. */
  imagesOf(repository: string): readonly PushedImage[] {
    return this.#known.repositories.get(repository) ?? [];
  }

  /** Other repositories that may have a blob, so that it can be mounted from there. */
  repositoriesWith(digest: Digest, except: string): readonly string[] {
    const found: string[] = [];
    for (const [name, images] of this.#known.repositories) {
      if (name !== except && images.some(({ blobs }) => blobs.includes(digest))) found.push(name);
    }
    // One that does not work out costs a round trip: not all of a hundred teams are asked.
    return found.reverse().slice(0, 1);
  }

  /** Remembers that a repository has an image. */
  rememberImage(repository: string, image: Image): void {
    const blobs = [image.manifest.config.digest, ...image.layers.map(({ descriptor }) => descriptor.digest)];
    const others = this.imagesOf(repository).filter(({ digest }) => digest !== image.digest);
    this.#known.repositories.delete(repository);
    this.#known.repositories.set(repository, [{ digest: image.digest, blobs }, ...others].slice(0, keptImages));
    this.#isChanged = true;
  }

  /** Whether the registry was seen not to take a blob of unknown length. */
  get losesStreams(): boolean {
    return this.#known.losesStreams;
  }

  rememberLostStream(): void {
    this.#known.losesStreams = true;
    this.#isChanged = true;
  }

  /** Whether a layer pool was seen to have a tag or a blob. */
  poolHas(repository: string, name: string): boolean {
    return this.#known.pools.get(repository)?.has(name) ?? false;
  }

  rememberPool(repository: string, names: readonly string[]): void {
    const known = this.#known.pools.get(repository) ?? new Set();
    for (const name of names) known.add(name);
    this.#known.pools.set(repository, known);
    this.#isChanged = true;
  }

  /** Forgets what a layer pool was seen to have: it did not keep its word. */
  forgetPool(repository: string): void {
    this.#known.pools.delete(repository);
    this.#isChanged = true;
  }

  /** Keeps what was learned. */
  async save(): Promise<void> {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    const data = {
      repositories: Object.fromEntries([...this.#known.repositories].slice(-keptRepositories)),
      pools: Object.fromEntries([...this.#known.pools].map(([name, held]) => [name, [...held]])),
      losesStreams: this.#known.losesStreams,
    };
    await mkdir(dirname(this.#path), { recursive: true });
    const aside = `${this.#path}.${randomUUID()}`;
    try {
      await writeFile(aside, JSON.stringify(data));
      await rename(aside, this.#path);
    } catch (thrown) {
      await rm(aside, { force: true });
      throw thrown;
    }
  }
}

/** A memory for each registry, in one folder. */
export class RegistryMemories {
  readonly #folder: string;
  readonly #open = new Map<string, Promise<RegistryMemory>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What one registry was seen to have. */
  of(registry: string): Promise<RegistryMemory> {
    const known = this.#open.get(registry);
    if (known !== undefined) return known;
    const opening = RegistryMemory.open(join(this.#folder, `${registry.replaceAll(/[^A-Za-z0-9.-]/g, '_')}.json`));
    this.#open.set(registry, opening);
    return opening;
  }

  /** Keeps what was learned. Losing it costs requests: a disk that is full is no reason to fail in the end. */
  async save(): Promise<void> {
    const memories = await Promise.all(this.#open.values());
    await Promise.allSettled(memories.map((memory) => memory.save()));
  }
}

function parse(text: string): Remembered {
  const empty: Remembered = { repositories: new Map(), pools: new Map(), losesStreams: false };
  try {
    const data = JSON.parse(text) as { repositories?: unknown; pools?: unknown; losesStreams?: unknown };
    empty.losesStreams = data.losesStreams === true;
    for (const [name, images] of Object.entries(data.repositories ?? {})) {
      if (Array.isArray(images)) empty.repositories.set(name, images.filter(isPushedImage));
    }
    for (const [name, held] of Object.entries(data.pools ?? {})) {
      if (Array.isArray(held)) empty.pools.set(name, new Set(held.filter((one) => typeof one === 'string')));
    }
    return empty;
  } catch {
    // A hint that cannot be read is none.
    return empty;
  }
}

function isPushedImage(value: unknown): value is PushedImage {
  const { digest, blobs } = (value ?? {}) as Record<string, unknown>;
  const isDigestText = (one: unknown) => typeof one === 'string' && isDigest(one);
  return isDigestText(digest) && Array.isArray(blobs) && blobs.every(isDigestText);
}
