import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(argon2);

/** OWASP's second choice for argon2id (19 MiB, two passes): half of the first one's memory for each who signs in at once. */
const cost = { memoryKib: 19_456, passes: 2, lanes: 1 } as const;

/** The shortest password that is taken (NIST SP 800-63B). */
export const passwordMinimum = 8;

/** A password as it is kept: argon2id in PHC form. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const tag = await tagOf(password, salt, cost.memoryKib, cost.passes, cost.lanes);
  return `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=${cost.lanes}$${base64(salt)}$${base64(tag)}`;
}

/**
 * Whether a password is the kept one. Without a kept one it takes as long, and is false: how long it takes tells nobody
 * which accounts there are.
 */
export async function verifyPassword(password: string, kept: string | null | undefined): Promise<boolean> {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(kept ?? '');
  if (match === null) {
    await tagOf(password, Buffer.alloc(16), cost.memoryKib, cost.passes, cost.lanes);
    return false;
  }
  const [, memory, passes, lanes, salt = '', tag = ''] = match;
  const expected = Buffer.from(tag, 'base64');
  const found = await tagOf(password, Buffer.from(salt, 'base64'), Number(memory), Number(passes), Number(lanes));
  return found.length === expected.length && timingSafeEqual(found, expected);
}

function tagOf(password: string, salt: Buffer, memory: number, passes: number, lanes: number): Promise<Buffer> {
  return derive('argon2id', { message: password, nonce: salt, parallelism: lanes, tagLength: 32, memory, passes });
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
