import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@mir/core';
import { isMissing } from '../durable-file.ts';
import type { OciFaultCode } from '../fault.ts';
import { isObject, type JsonObject } from '../image/wire.ts';

/** What a registry is shown: a user name and password, or a token to exchange (OAuth 2 refresh token). */
export type Credentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity-token'; readonly token: string };

/** Knows the credentials for a registry (`host` or `host:port`), or that there are none. */
export interface CredentialSource {
  credentials(registry: string): Promise<Credentials | undefined>;
  /** Told that the registry has refused the last ones. @returns whether others can be had now */
  refused?(registry: string): Promise<boolean>;
}

/** A user name and password for one registry and no other. */
export function fixedCredentials(registry: string, username: string, password: string): CredentialSource {
  return {
    credentials: async (asked) => (asked === registry ? { kind: 'basic', username, password } : undefined),
  };
}

/**
 * The credentials that `docker login` and its helpers keep: `credHelpers`, `credsStore`, `auths`. A registry's name must
 * match exactly; a missing file holds none.
 * @param path of the file; without it `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`
 */
export function dockerConfigCredentials(path?: string): CredentialSource {
  const file = path ?? join(process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json');
  return {
    credentials: async (registry) => {
      const config = await readConfig(file);
      const helpers = config['credHelpers'];
      const helper = isObject(helpers) ? exactly(helpers, registry) : undefined;
      const chosen = helper ?? config['credsStore'];
      if (typeof chosen === 'string' && chosen !== '') {
        const fromHelper = await askHelper(chosen, registry);
        if (fromHelper !== undefined || helper !== undefined) return fromHelper;
      }
      const auths = config['auths'];
      const entry = isObject(auths) ? exactly(auths, registry) : undefined;
      return isObject(entry) ? credentialsOf(entry, file, registry) : undefined;
    },
  };
}

async function readConfig(file: string): Promise<JsonObject> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (thrown) {
    if (isMissing(thrown)) return {};
    throw thrown;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (isObject(parsed)) return parsed;
  } catch {
    // Said below, without the text: it may hold a password.
  }
  throw malformed(file, 'it is not a JSON object');
}

/** The value whose key names this registry exactly, also when the key is written as an address. */
function exactly(record: JsonObject, registry: string): unknown {
  if (Object.hasOwn(record, registry)) return record[registry];
  const key = Object.keys(record).find(
    (candidate) => candidate.replace(/^https?:\/\//, '').replace(/\/.*$/, '') === registry,
  );
  return key === undefined ? undefined : record[key];
}

function credentialsOf(entry: JsonObject, file: string, registry: string): Credentials | undefined {
  if (typeof entry['identitytoken'] === 'string' && entry['identitytoken'] !== '') {
    return { kind: 'identity-token', token: entry['identitytoken'] };
  }
  if (typeof entry['username'] === 'string' && typeof entry['password'] === 'string') {
    return { kind: 'basic', username: entry['username'], password: entry['password'] };
  }
  if (typeof entry['auth'] !== 'string' || entry['auth'] === '') return undefined;
  const text = Buffer.from(entry['auth'], 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = text.indexOf(':');
  if (colon === -1) throw malformed(file, `its entry for ${registry} does not hold a user name and a password`);
  return { kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Asks a credential helper (docker-credential-helpers: `get`, the registry on stdin, JSON on stdout). */
async function askHelper(name: string, registry: string): Promise<Credentials | undefined> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw helperFault(name, 'its name is not that of a program');
  const { code, output } = await run(`docker-credential-${name}`, registry);
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw helperFault(name, `it ended with ${code ?? 'a signal'}`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch {
    throw helperFault(name, 'its answer is not JSON');
  }
  if (!isObject(answer)) throw helperFault(name, 'its answer is not a JSON object');
  const { Username: username, Secret: secret } = answer;
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw helperFault(name, 'its answer has no Username and Secret');
  if (username === '<token>') return { kind: 'identity-token', token: secret };
  return { kind: 'basic', username, password: secret };
}

function run(program: string, input: string): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', (error) => reject(helperFault(program, error.message)));
    child.on('close', (code) => resolve({ code, output }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function helperFault(name: string, why: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('credentials/helper', {
    what: `The credential helper "${name}" gave no credentials: ${why}`,
    subject: name,
    hint: 'Install or repair the helper, or remove it from credHelpers and credsStore in docker’s config.json.',
  });
}

function malformed(file: string, why: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('credentials/malformed', {
    what: `The credentials file ${file} cannot be used: ${why}`,
    subject: file,
    hint: 'Run `docker login` again or repair the file.',
  });
}
