import { Fault } from '@mir/core';
import { HttpClient } from '@mir/http';
import type { OciFaultCode } from '../fault.ts';
import { isRegistryHost, requireRepositoryName } from '../reference.ts';
import { Authorization } from './authorization.ts';
import type { CredentialSource } from './credentials.ts';
import { type ConnectionManners, RegistryConnection } from './registry-connection.ts';
import { RepositoryClient } from './repository-client.ts';

/** Where a registry is and how to talk to it. */
export type RegistryClientOptions = ConnectionManners & {
  /** `host` or `host:port`. */
  readonly registry: string;
  /** Plain HTTP: without it only for loopback addresses. `false` asks for https there too. */
  readonly insecureHttp?: boolean;
  readonly credentials?: CredentialSource;
  /** PEM, besides the system's. */
  readonly caCertificates?: readonly string[];
  /** The HTTP client to use instead of one of its own; `close` leaves it open then. */
  readonly http?: HttpClient;
};

/** One registry (OCI distribution spec 1.1, and what Docker's registry 2 understands). */
export class RegistryClient {
  readonly registry: string;
  #http: HttpClient;
  #ownsHttp: boolean;
  #connection: RegistryConnection;

  /** @throws Fault `reference/malformed` when the registry is not `host[:port]` */
  constructor(options: RegistryClientOptions) {
    this.registry = requireRegistryHost(options.registry);
    this.#ownsHttp = options.http === undefined;
    this.#http =
      options.http ??
      new HttpClient(options.caCertificates === undefined ? {} : { caCertificates: options.caCertificates });
    const scheme = (options.insecureHttp ?? isLoopback(this.registry)) ? 'http' : 'https';
    const baseUrl = `${scheme}://${this.registry}`;
    const authorization = new Authorization(this.registry, baseUrl, this.#http, options.credentials);
    this.#connection = new RegistryConnection(this.registry, baseUrl, this.#http, authorization, options);
  }

  /** One repository of it. @throws Fault `repository/malformed-name` */
  repository(name: string): RepositoryClient {
    return new RepositoryClient(this.#connection, requireRepositoryName(name));
  }

  async close(): Promise<void> {
    if (this.#ownsHttp) this.#http.close();
  }
}

function requireRegistryHost(registry: string): string {
  if (isRegistryHost(registry)) return registry;
  throw new Fault<OciFaultCode>('reference/malformed', {
    what: `"${registry.slice(0, 300)}" is not the address of a registry`,
    subject: registry.slice(0, 300),
    hint: 'Write host or host:port, without https:// in front and without a path.',
  });
}

function isLoopback(registry: string): boolean {
  const host = registry.replace(/:[0-9]+$/, '');
  return host === 'localhost' || host === '[::1]' || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}
