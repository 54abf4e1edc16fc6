import { type CredentialSource, type Credentials, dockerConfigCredentials } from '@mir/oci';
import type { AuthorizationToken } from './ecr-api.ts';

type Kept = {
  readonly token: Promise<AuthorizationToken>;
  /** Half of its life is over. */
  readonly staleMilliseconds: Promise<number>;
  /** It was got because the registry had refused the one before. */
  readonly isSecondTry: boolean;
};

/** A refusal of a token that is younger is about what may be done, not about the token. */
const trustedMilliseconds = 60_000;

/**
 * The passwords of an ECR registry: tokens that last twelve hours, renewed when half of their life is over. For other registries what
 * `docker login` has left.
 */
export class EcrCredentials implements CredentialSource {
  readonly #registry: string;
  readonly #fetch: () => Promise<AuthorizationToken>;
  readonly #others = dockerConfigCredentials();
  #kept: Kept | undefined;
  #refusedAt = Number.NEGATIVE_INFINITY;

  constructor(registry: string, fetch: () => Promise<AuthorizationToken>) {
    this.#registry = registry;
    this.#fetch = fetch;
  }

  async credentials(registry: string): Promise<Credentials | undefined> {
    if (registry !== this.#registry) return this.#others.credentials(registry);
    const kept = this.#kept;
    const isFresh = kept !== undefined && (await kept.staleMilliseconds) > Date.now();
    const { username, password } = await (isFresh ? kept : this.#renew(false)).token;
    return { kind: 'basic', username, password };
  }

  async refused(registry: string): Promise<boolean> {
    if (registry !== this.#registry) return false;
    if (this.#kept?.isSecondTry === true && Date.now() - this.#refusedAt < trustedMilliseconds) return false;
    this.#refusedAt = Date.now();
    this.#renew(true);
    return true;
  }

  #renew(isSecondTry: boolean): Kept {
    const startedMilliseconds = Date.now();
    const token = this.#fetch();
    const staleMilliseconds = token.then(
      ({ expiresAt }) => startedMilliseconds + (expiresAt.getTime() - startedMilliseconds) / 2,
      () => 0,
    );
    const kept = { token, staleMilliseconds, isSecondTry };
    this.#kept = kept;
    // Whoever asked is told; the next one asks again.
    token.catch(() => {
      if (this.#kept === kept) this.#kept = undefined;
    });
    return kept;
  }
}
