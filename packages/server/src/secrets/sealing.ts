import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '@mir/core';
import { serverFault } from '../fault.ts';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** How sealed bytes begin, so that another way can follow one day. */
const form = 1;

/** Encrypts what the database keeps but must not be able to read: AES-256-GCM (NIST SP 800-38D) with a key that is not in it. */
export class Sealer {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    if (key.length !== keyBytes) throw new TypeError('a sealing key has 32 bytes');
    this.#key = key;
  }

  /** Seals a text for one purpose: opened for another one, it does not open. */
  seal(text: string, purpose: string): Buffer {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(purpose));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(form), nonce, cipher.getAuthTag(), sealed]);
  }

  /** @throws Fault `secret/unreadable` where it was sealed with another key, for another purpose, or changed since */
  open(sealed: Buffer, purpose: string): string {
    try {
      if (sealed[0] !== form) throw new RangeError('another form');
      const nonce = sealed.subarray(1, 1 + nonceBytes);
      const tag = sealed.subarray(1 + nonceBytes, 1 + nonceBytes + tagBytes);
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagBytes })
        .setAAD(Buffer.from(purpose))
        .setAuthTag(tag);
      return decipher.update(sealed.subarray(1 + nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      throw new Fault('secret/unreadable', {
        what: 'A secret of the instance cannot be opened: it was sealed with another key',
        subject: 'MIR_SECRETS_KEY',
        hint: 'Give every server and worker the MIR_SECRETS_KEY that the instance began with, or set the secret anew.',
      });
    }
  }
}

/** The key that the environment holds; undefined without one. @throws Fault `settings/wrong` */
export function sealerFromEnvironment(environment: NodeJS.ProcessEnv): Sealer | undefined {
  const text = environment['MIR_SECRETS_KEY'];
  if (text === undefined || text === '') return undefined;
  const key = Buffer.from(text, 'base64');
  if (key.length === keyBytes) return new Sealer(key);
  throw new Fault('settings/wrong', {
    what: `MIR_SECRETS_KEY has to be ${keyBytes} random bytes in base64, and what it is set to has ${key.length}`,
    subject: 'MIR_SECRETS_KEY',
    hint: 'Make one with: head -c 32 /dev/urandom | base64',
  });
}

/**
 * The key of an instance that is alone on its machine: in a file for its owner only, made when it is not there. Of several processes that
 * make it at once, one does.
 *
 * @returns the key as `MIR_SECRETS_KEY` has it
 */
export async function ownSecretsKey(path: string): Promise<string> {
  const known = await readFile(path, 'utf8').catch(() => undefined);
  if (known !== undefined) return known.trim();
  await mkdir(dirname(path), { recursive: true });
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const file = await open(aside, 'wx', 0o600);
    try {
      await file.writeFile(`${randomBytes(keyBytes).toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(aside, path).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'EEXIST') throw thrown;
    });
  } finally {
    await rm(aside, { force: true });
  }
  return (await readFile(path, 'utf8')).trim();
}

/** @throws Fault `secret/no-key` */
export function requireSealer(sealer: Sealer | undefined): Sealer {
  if (sealer !== undefined) return sealer;
  throw serverFault('secret/no-key', {
    what: 'This instance has no key to keep secrets with',
    subject: 'MIR_SECRETS_KEY',
    hint: 'Have an administrator set MIR_SECRETS_KEY, the same for every server and worker: head -c 32 /dev/urandom | base64',
  });
}
