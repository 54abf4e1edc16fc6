import { type CredentialSource, type Credentials, dockerConfigCredentials } from '@mir/oci';
import type { AuthorizationToken } from './ecr-api.ts';

type Kept = {
  readonly token: Promise<AuthorizationToken>;
  readonly startedMilliseconds: number;
  /** When half of its life is over. */
  readonly staleMilliseconds: Promise<number>;
  /** The registry has not taken it. */
  isRefused: boolean;
};

/** What was refused a moment ago, by several requests at once, was the one before. */
const newMilliseconds = 3000;

/**
 * The passwords of an ECR registry: tokens that last twelve hours, renewed when half of their life is over. For other registries what
 * `docker login` has left.
 */
export class EcrCredentials implements CredentialSource {
  readonly #registry: string;
  readonly #fetch: () => Promise<AuthorizationToken>;
  readonly #others = dockerConfigCredentials();
  #kept: Kept | undefined;

  constructor(registry: string, fetch: () => Promise<AuthorizationToken>) {
    this.#registry = registry;
    this.#fetch = fetch;
  }

  async credentials(registry: string): Promise<Credentials | undefined> {
    if (registry !== this.#registry) return this.#others.credentials(registry);
    const kept = this.#kept;
    const isFresh = kept !== undefined && (await kept.staleMilliseconds) > Date.now();
    const { username, password } = isFresh ? await kept.token : await this.#renewed(kept);
    return { kind: 'basic', username, password };
  }

  /** What is half through its life is renewed; where that cannot be done now, it still works. */
  async #renewed(before: Kept | undefined): Promise<AuthorizationToken> {
    try {
      return await this.#renew().token;
    } catch (thrown) {
      const standing = await before?.token.catch(() => undefined);
      if (
        standing === undefined ||
        before === undefined ||
        before.isRefused ||
        standing.expiresAt.getTime() <= Date.now()
      )
        throw thrown;
      this.#kept ??= before;
      return standing;
    }
  }

  async refused(registry: string): Promise<boolean> {
    if (registry !== this.#registry) return false;
    // A password that has run out, and one that may not do this, are refused alike: one more attempt tells.
    if (Date.now() - (this.#kept?.startedMilliseconds ?? 0) > newMilliseconds) {
      if (this.#kept !== undefined) this.#kept.isRefused = true;
      this.#renew();
    }
    return true;
  }

  #renew(): Kept {
    const startedMilliseconds = Date.now();
    const token = this.#fetch();
    const staleMilliseconds = token.then(
      ({ expiresAt }) => startedMilliseconds + (expiresAt.getTime() - startedMilliseconds) / 2,
      () => 0,
    );
    const kept: Kept = { token, startedMilliseconds, staleMilliseconds, isRefused: false };
    this.#kept = kept;
    // Whoever asked is told; the next one asks again.
    token.catch(() => {
      if (this.#kept === kept) this.#kept = undefined;
    });
    return kept;
  }
}
