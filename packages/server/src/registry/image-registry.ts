import { HttpClient } from '@mir/http';
import { dockerConfigCredentials, RegistryClient, type RepositoryStore } from '@mir/oci';
import type { Settings } from '../settings.ts';

/** Where images are kept, as far as the server itself has to do with it: workers push, users pull. */
export interface ImageRegistry extends AsyncDisposable {
  /** Removes a repository with everything in it; one that is not there is removed already. @throws Fault `registry/*`, `http/*` */
  removeRepository(path: string): Promise<void>;
}

/** The registry that the settings name. */
export function openImageRegistry({ registry }: Settings, repositories: RepositoryStore): ImageRegistry {
  return registry.kind === 'oci' && registry.host !== undefined
    ? new OciRegistry(registry.host)
    : new EmbeddedRegistry(repositories);
}

class EmbeddedRegistry implements ImageRegistry {
  readonly #repositories: RepositoryStore;

  constructor(repositories: RepositoryStore) {
    this.#repositories = repositories;
  }

  async removeRepository(path: string): Promise<void> {
    await this.#repositories.deleteRepository(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Any registry that speaks the OCI distribution specification; credentials as `docker login` left them. */
class OciRegistry implements ImageRegistry {
  readonly #http = new HttpClient();
  readonly #client: RegistryClient;

  constructor(host: string) {
    this.#client = new RegistryClient({ registry: host, credentials: dockerConfigCredentials(), http: this.#http });
  }

  /** The specification has no removal of repositories: every tag's manifest is deleted, and the registry collects the rest. */
  async removeRepository(path: string): Promise<void> {
    const repository = this.#client.repository(path);
    for (const tag of await repository.tags()) {
      const digest = await repository.headManifest(tag);
      if (digest !== undefined) await repository.deleteManifest(digest);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.#http.close();
  }
}
