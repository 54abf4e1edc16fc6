import { dockerConfigCredentials, RegistryClient } from '@mir/oci';
import type { Settings } from '../settings.ts';
import type { BuildTarget } from '../worker/build-message.ts';
import { certificatesOf, insecureHttpOf } from './encryption.ts';
import type { BuildersAccess, ImageRegistry, Lifecycle, StoredImage } from './image-registry.ts';

/** Any registry that speaks the OCI distribution specification; credentials as `docker login` left them. */
export class OciRegistry implements ImageRegistry {
  readonly host: string;
  readonly makesRepositories = false;
  readonly builders: BuildersAccess;
  readonly #client: RegistryClient;

  constructor({ registry }: Settings, host: string) {
    this.host = host;
    const insecureHttp = insecureHttpOf(registry);
    const caCertificates = certificatesOf(registry.ca_file);
    const credentials = dockerConfigCredentials();
    this.builders = {
      notes: { registry: host, insecureHttp, caCertificates, isEcr: false },
      credentials,
      paceOf: () => undefined,
      layerPool: undefined,
    };
    this.#client = new RegistryClient({
      registry: host,
      credentials,
      ...(insecureHttp !== undefined && { insecureHttp }),
      ...(caCertificates.length > 0 && { caCertificates }),
    });
  }

  async ensureRepository(): Promise<void> {
    // The first push makes it.
  }

  async isThere(): Promise<boolean> {
    return true;
  }

  /** The specification has no removal of repositories: every tag's manifest is deleted, and the registry collects the rest. */
  async removeRepository(path: string): Promise<void> {
    const repository = this.#client.repository(path);
    for (const tag of await repository.tags()) {
      const digest = await repository.headManifest(tag);
      if (digest !== undefined) await repository.deleteManifest(digest);
    }
  }

  /** The specification has no policies: manifests that only these tags name are deleted at once. */
  async setLifecycle(path: string, { trimmedTags }: Lifecycle): Promise<readonly string[]> {
    const repository = this.#client.repository(path);
    const stored = (await this.images(path)) ?? [];
    const kept = new Set(
      stored.filter(({ tags }) => tags.some((tag) => !trimmedTags.includes(tag))).map(({ digest }) => digest),
    );
    const gone = stored.filter(
      ({ tags, digest }) => tags.some((tag) => trimmedTags.includes(tag)) && !kept.has(digest),
    );
    for (const { digest } of gone) await repository.deleteManifest(digest);
    return gone.flatMap(({ tags }) => tags);
  }

  async images(path: string): Promise<readonly StoredImage[] | undefined> {
    const repository = this.#client.repository(path);
    const images: StoredImage[] = [];
    for (const tag of await repository.tags()) {
      const digest = await repository.headManifest(tag);
      if (digest !== undefined) images.push({ digest, tags: [tag], sizeBytes: undefined });
    }
    return images.length === 0 ? undefined : images;
  }

  target(path: string, tag: string): BuildTarget {
    return { kind: 'registry', registry: this.host, repository: path, tag };
  }

  location(path: string, end: string): string {
    return `registry://${this.host}/${path}${end}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}
