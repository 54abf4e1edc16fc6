import { Fault, isFault } from '@mir/core';
import { type BlobStore, type Digest, parseReference, type RegistryClient, type RepositoryClient } from '@mir/oci';
import { builderFault } from '../fault.ts';
import { blobsOf, type LayerKey, type LayerRecord } from '../layers/record-store.ts';
import { openRegistry, type RegistryAccess } from '../output/registry-access.ts';
import type { RegistryMemories, RegistryMemory } from '../output/registry-memory.ts';
import type { Problem } from '../plan/problem.ts';
import { Gate } from './gate.ts';
import { agrees, formatPoolManifest, poolTag } from './pool-manifest.ts';

const requestsAtOnce = 8;

/** What a pool works with. */
export type LayerPoolParts = {
  readonly blobs: BlobStore;
  readonly memories: RegistryMemories;
  readonly access: RegistryAccess;
  /** Gets what people should know: a pool never stops a build. */
  readonly problems: Problem[];
};

/**
 * A repository in which layers are shared (DESIGN 4.5). What it says is a hint: a layer is taken only when it is the one that a trusted
 * record holds, and its bytes are checked. A pool that fails or does not keep its word is left alone for the rest of the run.
 */
export class LayerPool implements AsyncDisposable {
  readonly registry: string;
  readonly repository: string;
  readonly #client: RegistryClient;
  readonly #remote: RepositoryClient;
  readonly #blobs: BlobStore;
  readonly #memory: RegistryMemory;
  readonly #problems: Problem[];
  readonly #gate = new Gate(requestsAtOnce);
  readonly #lookups = new Map<string, Promise<boolean>>();
  /** What is being shared, by tag; and the last of it that has a layer. */
  readonly #sharing = new Map<string, Promise<void>>();
  readonly #sharingOf = new Map<Digest, Promise<void>>();
  readonly #held = new Set<Digest>();
  readonly #expected = new Set<Digest>();
  #doubting: Promise<void> | undefined;
  #isGivenUp = false;
  #damage: unknown;

  private constructor(registry: string, repository: string, parts: LayerPoolParts, memory: RegistryMemory) {
    this.registry = registry;
    this.repository = repository;
    this.#blobs = parts.blobs;
    this.#problems = parts.problems;
    this.#memory = memory;
    this.#client = openRegistry(registry, parts.access);
    this.#remote = this.#client.repository(repository);
  }

  /** The pool at `registry://HOST/REPOSITORY`. Nothing is asked of it yet. @throws Fault `pool/malformed` */
  static async at(address: string, parts: LayerPoolParts): Promise<LayerPool> {
    const [, text] = /^registry:\/\/([^/]+\/.+)$/.exec(address) ?? [];
    const target = text === undefined ? undefined : parseReference(text);
    if (target?.registry === undefined || target.tag !== undefined || target.digest !== undefined) {
      throw builderFault('pool/malformed', {
        what: `"${address}" does not name a repository of a registry`,
        subject: address,
        hint: 'Write the layer pool as registry://HOST/REPOSITORY, without a tag.',
      });
    }
    return new LayerPool(target.registry, target.repository, parts, await parts.memories.of(target.registry));
  }

  /** Whether the pool has the very layer of this record. */
  async has(key: LayerKey, record: LayerRecord): Promise<boolean> {
    if (this.#isGivenUp) return false;
    const tag = poolTag(key);
    // Seen before: that is as good as asking, because whoever takes the layer finds out.
    if ([tag, ...blobsOf(record)].every((name) => this.#memory.poolHas(this.repository, name))) return true;
    const known = this.#lookups.get(tag);
    const lookup = known ?? this.#gate.run(() => this.#attempt(false, () => this.#lookUp(tag, record)));
    this.#lookups.set(tag, lookup);
    return (await lookup) && !this.#isGivenUp;
  }

  /** Whether the pool is believed to have a blob: to mount it from there, or not to miss it here. */
  holds(digest: Digest): boolean {
    return !this.#isGivenUp && (this.#held.has(digest) || this.#memory.poolHas(this.repository, digest));
  }

  /**
   * Told that a blob could not be mounted from the pool. Not every registry mounts; but where the pool does not have it any more, it was emptied or made again, and
   * what it was seen to have is forgotten, so that it is filled again. Asked once.
   */
  async doubt(digest: Digest): Promise<void> {
    this.#doubting ??= this.#attempt(undefined, async () => {
      if ((await this.#remote.headBlob(digest)) !== undefined) return;
      throw builderFault('layer/lost', {
        what: `it does not have blob ${digest} any more`,
        subject: digest,
        hint: 'It was emptied or made again; the next builds fill it.',
      });
    });
    await this.#doubting;
  }

  /** Puts a layer that is here into the pool, in the background, unless it is known to be there. */
  share(key: LayerKey, record: LayerRecord): void {
    const tag = poolTag(key);
    if (this.#isGivenUp || this.#sharing.has(tag) || this.#memory.poolHas(this.repository, tag)) return;
    const sharing = this.#gate.run(() => this.#attempt(undefined, () => this.#put(key, record)));
    this.#sharing.set(tag, sharing);
    this.#sharingOf.set(record.digest, sharing);
  }

  /** Waits until a layer that is being shared is there, or will not be. */
  async shared(digest: Digest): Promise<void> {
    await this.#sharingOf.get(digest);
  }

  /** Waits until everything was shared. @throws Fault `blob/damaged` when a layer here turned out not to be whole */
  async settle(): Promise<void> {
    await Promise.all(this.#sharing.values());
    const damage = this.#damage;
    this.#damage = undefined;
    if (damage !== undefined) {
      // What could not be shared is shared once it was made anew; of the rest it is remembered that it is there.
      this.#sharing.clear();
      throw damage;
    }
    if (!this.#isGivenUp) this.#memory.rememberPool(this.repository, [...this.#expected]);
  }

  /** Whether all layers of an image were shared before, as far as is known. */
  covers(image: Digest): boolean {
    return this.#memory.poolHas(this.repository, image);
  }

  /** Says that the layers that were shared until {@link settle} are those of an image. */
  cover(image: Digest): void {
    this.#expected.add(image);
  }

  /** A blob that a trusted record names. @throws Fault `layer/lost` when the pool does not give exactly it */
  async *read(digest: Digest): AsyncIterable<Uint8Array> {
    try {
      yield* this.#remote.readBlob(digest);
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      this.#giveUp(thrown);
      throw builderFault('layer/lost', {
        what: `The layer pool ${this.#name} does not give blob ${digest}, which it is said to have: ${thrown.message}`,
        subject: digest,
        hint: 'Run it again: the layer is made anew. If it stays, leave the pool out (--pool, MIR_LAYER_POOL).',
        cause: thrown,
      });
    }
  }

  /** Ends what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    // That requests are cut off from here on is no fault of the pool.
    this.#isGivenUp = true;
    await this.#client.close();
    await Promise.allSettled([...this.#sharing.values(), ...this.#lookups.values()]);
  }

  async #lookUp(tag: string, record: LayerRecord): Promise<boolean> {
    const manifest = await this.#remote.getManifest(tag);
    if (manifest === undefined) return false;
    if (!agrees(manifest.bytes, manifest.mediaType, record)) {
      this.#problems.push({
        severity: 'warning',
        code: 'pool-disagrees',
        message: `The layer pool ${this.#name} tells of another layer under ${tag} than was made here: it is not taken`,
        fix: 'Find out who else may push to the pool.',
      });
      return false;
    }
    this.#remember(tag, record);
    return true;
  }

  async #put(key: LayerKey, record: LayerRecord): Promise<void> {
    const tag = poolTag(key);
    if (await this.#lookUp(tag, record)) return;
    const blobs = this.#blobs;
    const sizes = new Map<Digest, number>();
    for (const digest of blobsOf(record)) sizes.set(digest, (await blobs.size(digest)) ?? 0);
    const manifest = formatPoolManifest(key, record, (digest) => sizes.get(digest) ?? 0);
    for (const blob of manifest.layers) await this.#remote.uploadBlob(blob, () => blobs.read(blob.digest));
    await this.#remote.uploadBlob(manifest.config, async function* () {
      yield manifest.configBytes;
    });
    await this.#remote.putManifest(tag, manifest.bytes, manifest.mediaType);
    this.#remember(tag, record);
  }

  #remember(tag: string, record: LayerRecord): void {
    for (const digest of blobsOf(record)) this.#held.add(digest);
    this.#memory.rememberPool(this.repository, [tag, ...blobsOf(record)]);
  }

  async #attempt<Result>(otherwise: Result, work: () => Promise<Result>): Promise<Result> {
    if (this.#isGivenUp) return otherwise;
    try {
      return await work();
    } catch (thrown) {
      if (isFault(thrown, 'blob/damaged', 'blob/unknown')) this.#damage ??= thrown;
      else this.#giveUp(thrown);
      return otherwise;
    }
  }

  #giveUp(thrown: unknown): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#memory.forgetPool(this.repository);
    const why = thrown instanceof Fault ? thrown : undefined;
    this.#problems.push({
      severity: 'warning',
      code: 'pool-unusable',
      message: `The layer pool ${this.#name} is not used any more: ${thrown instanceof Error ? thrown.message : thrown}`,
      fix: why?.hint ?? 'Run it again, or leave the pool out (--pool, MIR_LAYER_POOL).',
    });
  }

  get #name(): string {
    return `${this.registry}/${this.repository}`;
  }
}
