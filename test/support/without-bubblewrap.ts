import { readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { temporaryFolder } from './folder.ts';

/** A PATH with all programs of this machine but the one that makes sandboxes. */
export async function pathWithoutBubblewrap(cleanup: Cleanup): Promise<string> {
  const folder = await temporaryFolder(cleanup);
  for (const place of (process.env['PATH'] ?? '').split(':')) {
    for (const name of await readdir(place).catch(() => []))
      if (name !== 'bwrap') await symlink(join(place, name), join(folder, name)).catch(() => undefined);
  }
  return folder;
}
