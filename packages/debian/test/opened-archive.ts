import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { HttpClient } from '@mir/http';
import { Archive } from '../src/index.ts';
import { type ArchivePlan, dayOfRelease, throwAwayKey, writeArchive } from './archive-of-our-own.ts';

const key = await throwAwayKey();
const http = new HttpClient();
after(() => http.close());

/** A folder that goes away with the test. */
export function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'debian-archive-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes an archive as planned and opens it. */
export async function open(
  t: TestContext,
  plan: ArchivePlan,
  { folder = folderFor(t), now = dayOfRelease, keys = key.publicKey } = {},
) {
  const settings = await writeArchive(folder, key, plan);
  return await Archive.open({
    settings,
    suite: 'bookworm',
    architecture: 'amd64',
    cacheDirectory: join(folder, 'cache'),
    http,
    now,
    keys,
  });
}
