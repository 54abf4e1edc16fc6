import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A user name and password as they came with a request. */
export type Account = { readonly username: string; readonly password: string };

/** What is to be done; without a repository, something that concerns none in particular: a sign-in, or the list of all. */
type AccessRequest = {
  readonly action: 'pull' | 'push';
  readonly repository: string | undefined;
  /** Where the request comes from. */
  readonly address: string | undefined;
};

/** `unknown`: the account is wrong or missing, and another one may do. `refused`: this account may not. */
type AccessDecision = 'allowed' | 'unknown' | 'refused';

/** Decides who may do what. */
export type AccessCheck = (account: Account | undefined, request: AccessRequest) => Promise<AccessDecision>;

/** A check against known passwords by user name, in a time that tells nothing of them; whoever has one may do everything. */
export function accountCheck(passwords: ReadonlyMap<string, string>): AccessCheck {
  const accounts = [...passwords].map(([username, password]) => sum(username, password));
  return async (account) => {
    const given = sum(account?.username ?? '', account?.password ?? '');
    // Every account is compared, whether one has matched or not.
    const matches = accounts.filter((known) => timingSafeEqual(known, given)).length;
    return account !== undefined && matches > 0 ? 'allowed' : 'unknown';
  };
}

/** The user name and password of a request's Basic authorization (RFC 7617), or undefined without a usable one. */
export function basicCredentials(request: IncomingMessage): Account | undefined {
  const match = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(request.headers.authorization ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function sum(username: string, password: string): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([username, password]))
    .digest();
}
