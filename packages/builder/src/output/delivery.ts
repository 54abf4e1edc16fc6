import {
  type Descriptor,
  type Digest,
  dockerConfigCredentials,
  formatReference,
  type Image,
  ImageSet,
  pushImage,
  RegistryClient,
  type RepositoryClient,
  writeDockerArchive,
  writeLayout,
} from '@mir/oci';
import type { Workshop } from '../workshop.ts';
import { putEmbedded } from './embedded.ts';
import { type Output, severalPlatforms } from './output.ts';

/** How an image arrived. */
export type Delivered = {
  /** How it is named where it went. */
  readonly name: string;
  /** Bytes that had to be sent; the others were there. */
  readonly sentBytes: number;
};

/**
 * The way of one image to where it goes. Layers may be offered while others are still being made: a remote registry gets them at once. Tags
 * come last, so nothing half-done can be seen.
 */
export class Delivery implements AsyncDisposable {
  readonly #workshop: Workshop;
  readonly #output: Output;
  readonly #client: RegistryClient | undefined;
  readonly #uploads = new Map<Digest, Promise<unknown>>();
  #sentBytes = 0;

  constructor(workshop: Workshop, output: Output) {
    this.#workshop = workshop;
    this.#output = output;
    this.#client =
      output.kind === 'registry'
        ? new RegistryClient({ registry: output.registry, credentials: dockerConfigCredentials() })
        : undefined;
  }

  /** A layer of the image that is whole in the workshop's store. A failed upload is reported by {@link complete}. */
  readonly offer = (layer: Descriptor): void => {
    const repository = this.#repository();
    if (repository === undefined || this.#uploads.has(layer.digest)) return;
    const uploading = this.#upload(repository, layer);
    uploading.catch(() => undefined);
    this.#uploads.set(layer.digest, uploading);
  };

  /** Delivers the image or the images of an index, whose blobs are all in the workshop's store by now. @throws Fault of the output */
  async complete(published: Image | ImageSet): Promise<Delivered> {
    const { blobs } = this.#workshop;
    const output = this.#output;
    switch (output.kind) {
      case 'embedded':
        await putEmbedded(this.#workshop, published, output);
        return { name: `${output.repository}:${output.tag}`, sentBytes: 0 };
      case 'oci':
        await writeLayout(output.directory, [{ image: published, name: output.name }], blobs);
        return { name: `oci:${output.directory}:${output.name}`, sentBytes: 0 };
      case 'docker-archive':
        if (published instanceof ImageSet) throw severalPlatforms(output);
        await writeDockerArchive(output.file, [{ image: published, tags: [output.name] }], blobs);
        return { name: `docker-archive:${output.file}`, sentBytes: 0 };
      case 'registry':
        return this.#workshop.stage('push', () => this.#push(published, output));
    }
  }

  /** Ends what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.close();
    await Promise.allSettled(this.#uploads.values());
  }

  #repository(): RepositoryClient | undefined {
    return this.#output.kind === 'registry' ? this.#client?.repository(this.#output.repository) : undefined;
  }

  async #upload(repository: RepositoryClient, layer: Descriptor): Promise<void> {
    const outcome = await repository.uploadBlob(layer, () => this.#workshop.blobs.read(layer.digest));
    if (outcome === 'uploaded') this.#count(layer.size);
  }

  async #push(published: Image | ImageSet, output: Output & { kind: 'registry' }): Promise<Delivered> {
    await Promise.all(this.#uploads.values());
    const repository = this.#repository();
    if (repository === undefined) throw new TypeError('a registry output has no client');
    await pushImage(repository, published, this.#workshop.blobs, {
      tags: [output.tag],
      onProgress: ({ outcome, sizeBytes }) => {
        if (outcome === 'uploaded') this.#count(sizeBytes);
      },
    });
    const { registry, tag } = output;
    return { name: formatReference({ registry, repository: output.repository, tag }), sentBytes: this.#sentBytes };
  }

  #count(bytes: number): void {
    this.#sentBytes += bytes;
    this.#workshop.report({ type: 'pushed', bytes });
  }
}
