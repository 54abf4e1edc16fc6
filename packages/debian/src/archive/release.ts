import { readFile } from 'node:fs/promises';
import { Fault } from '@mir/core';
import type { Key } from 'openpgp';
import { parseControl } from '../control/control.ts';
import type { DebianFaultCode } from '../fault.ts';
import type { ExpectedFile } from './source-reader.ts';

/** What a verified Release file says. */
export type Release = {
  readonly origin: string;
  readonly codename: string;
  readonly suite: string;
  readonly dateSeconds: number;
  readonly validUntilSeconds?: number;
  readonly byHash: boolean;
  /** Files by their path below the suite's folder. */
  readonly files: ReadonlyMap<string, ExpectedFile>;
};

/** The public keys of the Debian archive that ship with this package. */
export async function debianArchiveKeys(): Promise<readonly Key[]> {
  const text = await readFile(new URL('./debian-archive-keys.json', import.meta.url), 'utf8');
  const { readKey } = await import('openpgp'); // slow to load, and a fresh cache needs nothing verified
  const { keys } = JSON.parse(text) as { readonly keys: readonly { readonly base64: string }[] };
  return await Promise.all(keys.map(({ base64 }) => readKey({ binaryKey: Buffer.from(base64, 'base64') })));
}

/** The public keys of an armored keyring. */
export async function keysOf(armoredKeys: string): Promise<readonly Key[]> {
  const { readKeys } = await import('openpgp');
  return await readKeys({ armoredKeys });
}

/**
 * The Release file inside an InRelease: only what is covered by a good signature of one of the keys is read.
 * @throws Fault `archive/bad-signature`, `archive/bad-release`
 */
export async function readInRelease(
  inRelease: string,
  { keys, url, now }: { readonly keys: readonly Key[]; readonly url: string; readonly now: Date },
): Promise<Release> {
  return parseRelease(await signedText(inRelease, keys, url, now), url);
}

async function signedText(inRelease: string, keys: readonly Key[], url: string, now: Date): Promise<string> {
  const { readCleartextMessage, verify } = await import('openpgp');
  try {
    const message = await readCleartextMessage({ cleartextMessage: inRelease });
    const result = await verify({ message, verificationKeys: [...keys], date: now });
    const problems: string[] = [];
    for (const signature of result.signatures) {
      try {
        await signature.verified;
        return result.data;
      } catch (problem) {
        problems.push(`key ${signature.keyID.toHex()}: ${problem instanceof Error ? problem.message : problem}`);
      }
    }
    throw new Error(problems.join('; ') || 'it carries no signature');
  } catch (cause) {
    throw new Fault<DebianFaultCode>('archive/bad-signature', {
      what: `${url} is not signed by a key of the Debian archive: ${cause instanceof Error ? cause.message : cause}`,
      subject: url,
      hint: 'Do not use this mirror: what it serves is not what Debian published (or it is no Debian archive at all).',
      cause,
    });
  }
}

/** The fields of a Release file, whoever has signed them. @throws Fault `archive/bad-release` */
export function parseRelease(text: string, url: string): Release {
  const bad = (why: string) =>
    new Fault<DebianFaultCode>('archive/bad-release', {
      what: `The Release file ${url} cannot be used: ${why}`,
      subject: url,
      hint: 'Use another archive or mirror.',
    });
  const [fields, ...others] = parseControl(text);
  if (fields === undefined || others.length > 0) throw bad('it is not one paragraph');
  const dateSeconds = secondsOf(fields.get('Date'));
  if (dateSeconds === undefined) throw bad(`its Date is "${fields.get('Date') ?? ''}"`);
  const validUntil = fields.get('Valid-Until');
  const validUntilSeconds = secondsOf(validUntil);
  if (validUntil !== undefined && validUntilSeconds === undefined) throw bad(`its Valid-Until is "${validUntil}"`);
  const files = new Map<string, ExpectedFile>();
  for (const line of (fields.get('SHA256') ?? '').split('\n')) {
    const [sha256, size, path, ...rest] = line.trim().split(/\s+/);
    if (sha256 === undefined || size === undefined || path === undefined) continue;
    if (rest.length > 0 || !/^[0-9a-f]{64}$/.test(sha256) || !/^\d+$/.test(size)) throw bad(`its line "${line}"`);
    files.set(path, { sha256, sizeBytes: Number(size) });
  }
  if (files.size === 0) throw bad('it lists no files with SHA-256 sums');
  return {
    origin: fields.get('Origin') ?? '',
    codename: fields.get('Codename') ?? '',
    suite: fields.get('Suite') ?? '',
    dateSeconds,
    ...(validUntilSeconds === undefined ? {} : { validUntilSeconds }),
    byHash: fields.get('Acquire-By-Hash') === 'yes',
    files,
  };
}

function secondsOf(date: string | undefined): number | undefined {
  const time = date === undefined ? Number.NaN : Date.parse(date.replace(/ UTC$/, ' GMT'));
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

/**
 * Refuses a Release that is another vendor's, another suite's, no longer valid, or older than one seen before.
 * @throws Fault `archive/wrong-origin`, `archive/wrong-suite`, `archive/expired`, `archive/rolled-back`
 */
export function checkRelease(
  release: Release,
  {
    suite,
    url,
    now,
    lastDateSeconds,
  }: {
    readonly suite: string;
    readonly url: string;
    readonly now: Date;
    readonly lastDateSeconds: number | undefined;
  },
): void {
  const fault = (code: DebianFaultCode, what: string, hint: string) => new Fault(code, { what, subject: url, hint });
  if (release.origin !== 'Debian') {
    throw fault(
      'archive/wrong-origin',
      `${url} is signed for the origin "${release.origin}", not for Debian`,
      'Set MIR_DEBIAN_ARCHIVE to a mirror of the Debian archive.',
    );
  }
  if (release.codename !== suite && release.suite !== suite) {
    throw fault(
      'archive/wrong-suite',
      `${url} is the Release of ${release.codename || release.suite}, not of ${suite}`,
      'Do not use this mirror: it serves one suite in the place of another.',
    );
  }
  const nowSeconds = now.getTime() / 1000;
  if (release.validUntilSeconds !== undefined && release.validUntilSeconds < nowSeconds) {
    throw fault(
      'archive/expired',
      `${url} was valid until ${shownDate(release.validUntilSeconds)}, and it is ${shownDate(nowSeconds)} now`,
      'Use a mirror that is up to date, and check that the clock of this machine is right.',
    );
  }
  if (lastDateSeconds !== undefined && release.dateSeconds < lastDateSeconds) {
    throw fault(
      'archive/rolled-back',
      `${url} is of ${shownDate(release.dateSeconds)}, older than the ${shownDate(lastDateSeconds)} seen before`,
      'Try again in a few minutes (mirrors behind one name can differ); if it stays, do not use this mirror.',
    );
  }
}

function shownDate(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
