import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RoleName } from './access.ts';

type Token = { readonly role: RoleName; readonly expiresMilliseconds: number };

/** The passwords that GetAuthorizationToken gives out. */
export class SignIn {
  readonly #tokens = new Map<string, Token>();
  lifetimeSeconds = 12 * 60 * 60;

  /** A new password of a role, and when it ends. */
  give(role: RoleName): { readonly authorizationToken: string; readonly expiresAt: number } {
    const password = randomBytes(32).toString('base64url');
    const expiresMilliseconds = Date.now() + this.lifetimeSeconds * 1000;
    this.#tokens.set(password, { role, expiresMilliseconds });
    return {
      authorizationToken: Buffer.from(`AWS:${password}`).toString('base64'),
      expiresAt: expiresMilliseconds / 1000,
    };
  }

  /** Lets every password that was given out so far be expired. */
  expireAll(): void {
    for (const [password, token] of this.#tokens) this.#tokens.set(password, { ...token, expiresMilliseconds: 0 });
  }

  /** The role behind a request of the data plane. */
  roleOf(request: IncomingMessage): RoleName | 'nobody' | 'unknown' | 'expired' {
    const [, encoded] = /^basic (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (encoded === undefined) return 'nobody';
    const [user, password = ''] = Buffer.from(encoded, 'base64').toString().split(':', 2);
    const token = user === 'AWS' ? this.#tokens.get(password) : undefined;
    if (token === undefined) return 'unknown';
    return token.expiresMilliseconds > Date.now() ? token.role : 'expired';
  }
}
