import type { CredentialSource, RepositoryStore, RequestPace } from '@mir/oci';
import type { Settings } from '../settings.ts';
import type { BuildTarget } from '../worker/build-message.ts';
import { EcrRegistry } from './ecr/ecr-registry.ts';
import type { EcrRole } from './ecr/permissions.ts';
import { EmbeddedRegistry } from './embedded-registry.ts';
import { OciRegistry } from './oci-registry.ts';
import type { TokenBuckets } from './token-buckets.ts';

/** What a registry does with versions that nobody needs any more. */
export type Lifecycle = {
  /** Tags that the instance has given up, exactly. */
  readonly trimmedTags: readonly string[];
};

/** An image as its registry tells of it. */
export type StoredImage = {
  readonly digest: string;
  readonly tags: readonly string[];
  /** What its blobs take, where the registry tells it. */
  readonly sizeBytes: number | undefined;
};

/** What is known of a repository that is there already. */
export type Provenance = {
  /**
   * `never`: it was not asked for. `perhaps`: it was, and no answer is known. `once`: it was made, and was not found later, so that what is there now may
   * be somebody else's.
   */
  readonly asked: 'never' | 'perhaps' | 'once';
  /** The images that this instance has put there. */
  readonly digests: ReadonlySet<string>;
};

/**
 * Where images are kept. The server makes, reads and removes repositories; its build processes push and tag at a {@link target}, and read
 * at a {@link location}, with what {@link builders} lends them.
 */
export interface ImageRegistry extends AsyncDisposable {
  /** `host[:port]`; undefined where the server itself is the registry. */
  readonly host: string | undefined;
  /** Whether a repository has to be made before anything can be pushed to it. */
  readonly makesRepositories: boolean;
  /** Makes a repository, with its lifecycle. @throws Fault `repository/not-ours` for one that was there before, those of the registry */
  ensureRepository(path: string, provenance: Provenance): Promise<void>;
  /** Whether there is a repository; one that registries make by themselves always counts as there. @throws Fault of the registry */
  isThere(path: string): Promise<boolean>;
  /** Removes a repository with everything in it; one that is not there is removed already. @throws Fault of the registry */
  removeRepository(path: string): Promise<void>;
  /** @returns those of the tags that it lets go; registries take only so many at a time @throws Fault of the registry */
  setLifecycle(path: string, lifecycle: Lifecycle): Promise<readonly string[]>;
  /** What a repository holds; undefined when there is none. @throws Fault of the registry */
  images(path: string): Promise<readonly StoredImage[] | undefined>;
  /** Where an image is pushed and tagged. */
  target(path: string, tag: string): BuildTarget;
  /** An image as the builder names it. @param end `:TAG` or `@DIGEST` */
  location(path: string, end: string): string;
  readonly builders: BuildersAccess;
}

/** What build processes have to know of the instance's registry; plain data. */
export type RegistryNotes = {
  readonly registry: string;
  /** Undefined: without encryption on loopback addresses only. */
  readonly insecureHttp: boolean | undefined;
  readonly caCertificates: readonly string[];
  readonly isEcr: boolean;
};

/** What a worker lends its build processes: never more than registries are shown. */
export type BuildersAccess = {
  readonly notes: RegistryNotes | undefined;
  readonly credentials: CredentialSource;
  /** Where requests have to wait for their turn. */
  readonly paceOf: (isUrgent: boolean) => RequestPace | undefined;
  /** The registry's own layer pool, below the prefix of the instance. */
  readonly layerPool: string | undefined;
};

/** What an {@link ImageRegistry} is opened with. */
export type RegistryParts = {
  readonly settings: Settings;
  /** Which of the two roles this process has. */
  readonly role: EcrRole;
  /** Shared by the processes of the instance; without them nothing waits for its turn. */
  readonly buckets: TokenBuckets | undefined;
  /** The layer pool, as the registry knows it. */
  readonly poolPath: string;
  readonly repositories: () => Promise<RepositoryStore>;
};

/** The registry that the settings name. Nothing is asked of it yet. @throws Fault `settings/*` for certificates that cannot be read */
export function openImageRegistry(parts: RegistryParts): ImageRegistry {
  const { registry } = parts.settings;
  if (registry.kind === 'embedded' || registry.host === undefined) return new EmbeddedRegistry(parts.repositories);
  return registry.kind === 'ecr'
    ? new EcrRegistry({ ...parts, host: registry.host })
    : new OciRegistry(parts.settings, registry.host);
}
