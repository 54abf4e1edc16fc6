import { createHash, randomBytes } from 'node:crypto';

/** A secret that is shown once: its prefix tells people and scanners what it is, the rest is 256 random bits. */
export function newSecret(prefix: 'mir' | 'mir_session' | 'mir_setup'): string {
  return `${prefix}_${randomBytes(32).toString('base64url')}`;
}

/** What is kept of a secret. It is random, so a fast hash is enough; looked up by it, no secret is ever compared. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
