import type { HttpClient } from '@mir/http';
import {
  type CredentialSource,
  dockerConfigCredentials,
  mayStreamTo,
  RegistryClient,
  type RegistryClientOptions,
} from '@mir/oci';

/** What is special about one registry. */
export type RegistryManners = Pick<RegistryClientOptions, 'insecureHttp' | 'caCertificates' | 'pace' | 'explain'> & {
  /** Whether it may be sent a blob while it is still being written; without it, its name tells. */
  readonly takesStreams?: boolean;
  /** Whether what was pushed is read back, before anybody is told that it is there. */
  readonly readsBack?: boolean;
};

/** How registries are talked to: what they are shown, and what is special about some of them. */
export type RegistryAccess = {
  readonly credentials: CredentialSource;
  readonly mannersOf?: (registry: string) => RegistryManners | undefined;
};

/** What `docker login` has left, and nothing special. */
export function ordinaryAccess(): RegistryAccess {
  return { credentials: dockerConfigCredentials() };
}

/** A client of a registry; over connections that are there already where its certificates are the usual ones. */
export function openRegistry(registry: string, access: RegistryAccess, http?: HttpClient): RegistryClient {
  const { takesStreams: _streams, readsBack: _back, ...manners } = access.mannersOf?.(registry) ?? {};
  const isShared = http !== undefined && manners.caCertificates === undefined;
  return new RegistryClient({ registry, credentials: access.credentials, ...manners, ...(isShared && { http }) });
}

/** Whether what was pushed to a registry is read back. */
export function readsBack(registry: string, { mannersOf }: RegistryAccess): boolean {
  return mannersOf?.(registry)?.readsBack ?? false;
}

/** Whether a registry may be sent a blob while it is still being written. */
export function takesStreams(registry: string, { mannersOf }: RegistryAccess): boolean {
  return mannersOf?.(registry)?.takesStreams ?? mayStreamTo(registry);
}
