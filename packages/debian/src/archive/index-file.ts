import { Fault } from '@mir/core';
import type { DebianFaultCode } from '../fault.ts';
import { type SourceReader, verified } from './source-reader.ts';
import type { KnownSuite } from './suite-index.ts';

/** An index file by its digest where the archive offers that (it cannot change under our feet), else by its path. */
export async function indexFile(
  known: KnownSuite,
  uri: string,
  path: string,
  reader: SourceReader,
): Promise<AsyncIterable<Uint8Array>> {
  const file = known.files[path];
  if (file === undefined) throw new TypeError(`${path} is not listed`);
  const url = `${uri}/dists/${known.suite}/${path}`;
  if (known.byHash) {
    const byHash = `${url.slice(0, url.lastIndexOf('/'))}/by-hash/SHA256/${file.sha256}`;
    const found = await reader.find(byHash);
    if (found !== undefined) return verified(found, file, byHash);
  }
  return verified(reader.read(url), file, url);
}

/** The fault for an index that would have to be fetched, and may not. */
export function notCachedFault(uri: string, path: string): Fault<DebianFaultCode> {
  return new Fault('archive/not-cached', {
    what: `${path} of ${uri} is not kept here, and nothing may be fetched`,
    subject: uri,
    hint: 'Run once without the offline option.',
  });
}
