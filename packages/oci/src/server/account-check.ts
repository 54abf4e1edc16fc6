import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Decides whether a user name and password may enter. */
export type CredentialCheck = (username: string, password: string) => boolean | Promise<boolean>;

/** A check against known passwords by user name, in a time that tells nothing of them. */
export function accountCheck(passwords: ReadonlyMap<string, string>): CredentialCheck {
  const accounts = [...passwords].map(([username, password]) => sum(username, password));
  return (username, password) => {
    const given = sum(username, password);
    // Every account is compared, whether one has matched or not.
    return accounts.filter((account) => timingSafeEqual(account, given)).length > 0;
  };
}

/** The user name and password of a request's Basic authorization (RFC 7617), or undefined without a usable one. */
export function basicCredentials(
  request: IncomingMessage,
): { readonly username: string; readonly password: string } | undefined {
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
