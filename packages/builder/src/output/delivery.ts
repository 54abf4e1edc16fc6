import { isFault } from '@mir/core';
import {
  type Descriptor,
  type Digest,
  formatReference,
  type Image,
  ImageSet,
  parseManifest,
  pushImage,
  type RegistryClient,
  type RepositoryClient,
} from '@mir/oci';
import type { Base } from '../base/base.ts';
import type { GrowingLayer } from '../layers/growing-layer.ts';
import type { Workshop } from '../workshop.ts';
import { writeLocally } from './local-output.ts';
import type { Output } from './output.ts';
import { openRegistry, takesStreams } from './registry-access.ts';
import type { RegistryMemory } from './registry-memory.ts';
import { requireStanding } from './standing.ts';
import { StreamedLayers } from './streamed-layers.ts';

/** How an image arrived. */
export type Delivered = {
  /** How it is named where it went. */
  readonly name: string;
  /** Bytes that had to be sent; the others were there. */
  readonly sentBytes: number;
};

type Target = Output & { readonly kind: 'registry' };

/** What the tag names before anything is pushed. */
type Standing = { readonly digest: Digest | undefined; readonly blobs: readonly Digest[] };

/**
 * The way of one image to where it goes. A remote registry is asked what it has as soon as there is a delivery, and gets layers
 * while others are still being made. Tags come last, so nothing half-done can be seen.
 */
export class Delivery implements AsyncDisposable {
  readonly #workshop: Workshop;
  readonly #output: Output;
  #bases: readonly Base[] = [];
  readonly #client: RegistryClient | undefined;
  readonly #uploads = new Map<Digest, Promise<unknown>>();
  #standing: Promise<Standing> | undefined;
  #known: Promise<ReadonlySet<Digest>> | undefined;
  #memory: Promise<RegistryMemory> | undefined;
  #streamed: StreamedLayers | undefined;
  #isEnding = false;
  #sentBytes = 0;

  constructor(workshop: Workshop, output: Output) {
    this.#workshop = workshop;
    this.#output = output;
    this.#client = output.kind === 'registry' ? openRegistry(output.registry, workshop.access) : undefined;
    const repository = this.#repository();
    if (repository === undefined) return;
    this.#stand(repository).catch(() => {
      // It is asked again when something is to be pushed there, and then told when it cannot be reached.
      this.#known = undefined;
      this.#standing = undefined;
    });
    if (takesStreams(repository.registry, workshop.access)) workshop.layerFollowers.add(this.#follow);
  }

  /** Names the bases of the images: their layers may be mounted from where they are. */
  expectBases(bases: readonly Base[]): void {
    this.#bases = bases;
  }

  /** A layer of the image that need not be made any more. A failed upload is reported by {@link complete}. */
  readonly offer = (layer: Descriptor): void => {
    const repository = this.#repository();
    if (repository === undefined || this.#uploads.has(layer.digest)) return;
    const uploading = this.#upload(repository, layer);
    uploading.catch(() => undefined);
    this.#uploads.set(layer.digest, uploading);
  };

  /**
   * Delivers the image, or the images of an index, whose layers are here or in the layer pool by now.
   *
   * @throws Fault of the output; `blob/damaged`, `layer/lost` when a layer could not be had after all
   */
  async complete(published: Image | ImageSet): Promise<Delivered> {
    const { blobs, contents } = this.#workshop;
    const output = this.#output;
    if (output.kind === 'registry') return this.#workshop.stage('push', () => this.#push(published, output));
    await contents.bring(
      imagesOf(published).flatMap(({ layers }) => layers.map(({ descriptor }) => descriptor.digest)),
    );
    return writeLocally(this.#workshop, published, output, blobs);
  }

  /** Ends what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    this.#workshop.layerFollowers.delete(this.#follow);
    await this.#streamed?.close();
    await this.#client?.close();
    await Promise.allSettled([...this.#uploads.values(), this.#standing, this.#known]);
  }

  /**
   * Sends a layer while it is written, where it is most likely needed: into a repository that has nothing under the tag, and where no
   * pool may have it.
   */
  readonly #follow = async (growing: GrowingLayer): Promise<void> => {
    const repository = this.#repository();
    if (repository === undefined || this.#workshop.layerPool !== undefined) return;
    const [standing, memory] = await Promise.all([this.#stand(repository), this.#remembered()]).catch(() => []);
    if (this.#isEnding || standing === undefined || standing.digest !== undefined) return;
    if (memory?.losesStreams !== false) return;
    this.#streamed ??= new StreamedLayers(() => memory.rememberLostStream());
    this.#streamed.follow(repository, growing);
  };

  #repository(): RepositoryClient | undefined {
    return this.#output.kind === 'registry' ? this.#client?.repository(this.#output.repository) : undefined;
  }

  async #upload(repository: RepositoryClient, layer: Descriptor): Promise<void> {
    if ((await this.#knownBlobs(repository)).has(layer.digest)) return;
    if (await this.#streamed?.complete(layer)) {
      this.#count(layer.size);
      return;
    }
    const { layerPool } = this.#workshop;
    await layerPool?.shared(layer.digest);
    const memory = await this.#remembered();
    const mountFrom = this.#sources(memory, repository, layer.digest);
    const outcome = await repository.uploadBlob(layer, () => this.#workshop.contents.pass(layer.digest), {
      mountFrom,
      skipCheck: mountFrom.length > 0,
    });
    if (outcome !== 'uploaded') return;
    this.#count(layer.size);
    if (layerPool !== undefined && mountFrom.includes(layerPool.repository)) await layerPool.doubt(layer.digest);
  }

  async #push(published: Image | ImageSet, { registry, repository: name, tag }: Target): Promise<Delivered> {
    const repository = this.#repository();
    if (repository === undefined) throw new TypeError('a registry output has no client');
    const standing = await this.#stand(repository);
    const memory = await this.#remembered();
    if (standing.digest !== published.digest) {
      await this.#workshop.layerPool?.settle();
      await Promise.all(this.#uploads.values());
      await this.#pushTo(repository, published, await this.#knownBlobs(repository), tag, memory);
      await requireStanding(repository, tag, published, this.#workshop.access);
    }
    for (const image of imagesOf(published)) memory.rememberImage(name, image);
    return { name: formatReference({ registry, repository: name, tag }), sentBytes: this.#sentBytes };
  }

  async #pushTo(
    repository: RepositoryClient,
    published: Image | ImageSet,
    standing: ReadonlySet<Digest>,
    tag: string,
    memory: RegistryMemory,
  ): Promise<void> {
    const push = (known: ReadonlySet<Digest>) =>
      pushImage(repository, published, this.#workshop.contents, {
        tags: [tag],
        known,
        mountFrom: (digest) => this.#sources(memory, repository, digest),
        onProgress: ({ outcome, sizeBytes }) => {
          if (outcome === 'uploaded') this.#count(sizeBytes);
        },
      });
    try {
      await push(new Set([...standing, ...this.#uploads.keys()]));
    } catch (thrown) {
      if (!isFault(thrown, 'registry/refused')) throw thrown;
      // The registry misses something that it was seen to have: now every blob is asked for.
      await push(new Set());
    }
  }

  /** Repositories of the same registry from which a blob may be mounted, the likeliest first. */
  #sources(memory: RegistryMemory, repository: RepositoryClient, digest: Digest): readonly string[] {
    const { layerPool } = this.#workshop;
    const fromPool =
      layerPool?.registry === repository.registry && layerPool.holds(digest) ? [layerPool.repository] : [];
    const fromBase = this.#bases.flatMap((base) => repositoryOfBase(base, repository.registry, digest));
    return [...fromPool, ...fromBase, ...memory.repositoriesWith(digest, repository.name)];
  }

  #stand(repository: RepositoryClient): Promise<Standing> {
    this.#standing ??= this.#look(repository);
    return this.#standing;
  }

  async #look(repository: RepositoryClient): Promise<Standing> {
    const { tag } = this.#output as Target;
    const named = await repository.getManifest(tag).catch((thrown: unknown) => {
      // Whatever stands there is about to be replaced; that it cannot be read is no reason against that.
      if (isFault(thrown, 'manifest/malformed', 'manifest/unsupported', 'manifest/too-large')) return undefined;
      throw thrown;
    });
    const parsed = named === undefined ? undefined : parseManifest(named.bytes, named.mediaType);
    if (parsed?.kind !== 'image') return { digest: named?.digest, blobs: [] };
    const { config, layers } = parsed.manifest;
    return { digest: named?.digest, blobs: [config, ...layers].map(({ digest }) => digest) };
  }

  #knownBlobs(repository: RepositoryClient): Promise<ReadonlySet<Digest>> {
    this.#known ??= this.#lookFurther(repository);
    return this.#known;
  }

  /** Blobs that the repository has for sure: a registry keeps what its manifests refer to, so one answer stands for a whole image. */
  async #lookFurther(repository: RepositoryClient): Promise<ReadonlySet<Digest>> {
    const standing = await this.#stand(repository);
    const memory = await this.#remembered();
    const others = memory.imagesOf(repository.name).filter(({ digest }) => digest !== standing.digest);
    const found = others.map(async ({ digest, blobs }) =>
      (await repository.headManifest(digest)) === digest ? blobs : [],
    );
    return new Set([...standing.blobs, ...(await Promise.all(found)).flat()]);
  }

  #remembered(): Promise<RegistryMemory> {
    this.#memory ??= this.#workshop.memories.of((this.#output as Target).registry);
    return this.#memory;
  }

  #count(bytes: number): void {
    this.#sentBytes += bytes;
    this.#workshop.report({ type: 'pushed', bytes });
  }
}

/** The repository that a base lies in, when it is one of this registry and has the blob. */
function repositoryOfBase({ source, image }: Base, registry: string, digest: Digest): readonly string[] {
  if (source?.registry !== registry) return [];
  return image.layers.some(({ descriptor }) => descriptor.digest === digest) ? [source.repository] : [];
}

function imagesOf(published: Image | ImageSet): readonly Image[] {
  return published instanceof ImageSet ? published.images : [published];
}
