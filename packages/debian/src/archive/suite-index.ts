import { createHash } from 'node:crypto';
import { Fault } from '@mir/core';
import type { Key } from 'openpgp';
import type { DebianFaultCode } from '../fault.ts';
import type { ArchiveProgress } from './archive.ts';
import type { CacheFolder } from './cache-folder.ts';
import { checkRelease, readInRelease } from './release.ts';
import type { ExpectedFile, SourceReader } from './source-reader.ts';

/** What is kept of a suite's verified Release file. */
export type KnownSuite = {
  readonly suite: string;
  readonly dateSeconds: number;
  readonly validUntilSeconds?: number;
  readonly checkedAtSeconds: number;
  readonly inReleaseSha256: string;
  readonly byHash: boolean;
  /** The index files of the wanted architecture. */
  readonly files: Readonly<Record<string, ExpectedFile>>;
};

type SuiteRequest = {
  readonly suite: string;
  readonly uri: string;
  readonly architecture: string;
  readonly now: Date;
  readonly offline?: boolean;
  readonly reader: SourceReader;
  readonly cache: CacheFolder;
  /** Names the set of keys; they are only read when there is something to verify. */
  readonly keyring: { readonly identity: string; readonly keys: () => Promise<readonly Key[]> };
  readonly onProgress?: (progress: ArchiveProgress) => void;
};

const freshForSeconds = 600;
const inReleaseLimitBytes = 16 * 1024 * 1024;

/**
 * The suite as it is now: what is kept when it was asked for in the last ten minutes (or when offline), else its
 * InRelease anew, verified. @throws Fault `archive/*`
 */
export async function freshSuite(request: SuiteRequest): Promise<KnownSuite> {
  const { suite, uri, now, cache } = request;
  const name = nameOf(request);
  const kept = knownSuiteOf(await cache.read(name));
  const url = `${uri}/dists/${suite}/InRelease`;
  const nowSeconds = now.getTime() / 1000;
  if (request.offline === true) {
    if (kept !== undefined) return kept;
    throw new Fault<DebianFaultCode>('archive/not-cached', {
      what: `The index of ${suite} at ${uri} is not kept here, and nothing may be fetched`,
      subject: uri,
      hint: 'Run once without the offline option.',
    });
  }
  if (kept !== undefined && isFresh(kept, nowSeconds)) return kept;
  request.onProgress?.({ what: 'release', url });
  const inRelease = Buffer.from(await request.reader.bytes(url, inReleaseLimitBytes)).toString('utf8');
  const inReleaseSha256 = sha256Of(inRelease);
  if (kept?.inReleaseSha256 === inReleaseSha256 && isValid(kept, nowSeconds)) {
    // The very bytes that were verified before.
    const checked = { ...kept, checkedAtSeconds: Math.floor(nowSeconds) };
    await cache.write(name, JSON.stringify(checked));
    return checked;
  }
  const release = await readInRelease(inRelease, { keys: await request.keyring.keys(), url, now });
  checkRelease(release, { suite, url, now, lastDateSeconds: kept?.dateSeconds });
  const indexes = new RegExp(
    `(?:/binary-${request.architecture}/Packages|Contents-${request.architecture})(?:\\.[a-z]+)?$`,
  );
  const known: KnownSuite = {
    suite,
    dateSeconds: release.dateSeconds,
    ...(release.validUntilSeconds === undefined ? {} : { validUntilSeconds: release.validUntilSeconds }),
    checkedAtSeconds: Math.floor(nowSeconds),
    inReleaseSha256,
    byHash: release.byHash,
    files: Object.fromEntries(
      [...release.files].filter(([path]) => indexes.test(path) && !path.includes('debian-installer')),
    ),
  };
  await cache.write(name, JSON.stringify(known));
  return known;
}

/** What was kept of a suite did not fit to the archive's files: it is asked for anew next time, whatever its age. */
export async function distrustSuite(request: SuiteRequest, known: KnownSuite): Promise<void> {
  // Its date stays, so that nobody can go back behind it.
  await request.cache.write(nameOf(request), JSON.stringify({ ...known, checkedAtSeconds: 0 }));
}

function nameOf({ suite, uri, architecture, keyring }: SuiteRequest): string {
  return `suite-1-${architecture}-${sha256Of(`${uri}\n${suite}\n${keyring.identity}`).slice(0, 32)}`;
}

function isFresh(kept: KnownSuite, nowSeconds: number): boolean {
  const ageSeconds = nowSeconds - kept.checkedAtSeconds;
  return isValid(kept, nowSeconds) && ageSeconds >= -freshForSeconds && ageSeconds < freshForSeconds;
}

function isValid({ validUntilSeconds }: KnownSuite, nowSeconds: number): boolean {
  return validUntilSeconds === undefined || validUntilSeconds >= nowSeconds;
}

function knownSuiteOf(bytes: Buffer | undefined): KnownSuite | undefined {
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8')) as KnownSuite;
  } catch {
    return undefined; // damaged: as good as absent
  }
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
