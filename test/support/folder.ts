import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Cleanup } from './cleanup.ts';

/** The clone that is tested. */
export const root = resolve(import.meta.dirname, '../..');

/** Where the tests keep what they make: on one file system, so that files can be linked rather than copied. */
export const workFolder = join(root, 'node_modules/.cache/mir-tests');

/** A new folder, removed in the end. Folders of test processes that were killed are removed on the way. */
export async function temporaryFolder(cleanup: Cleanup): Promise<string> {
  await mkdir(workFolder, { recursive: true });
  for (const name of await readdir(workFolder)) {
    const [, owner] = /^run-(\d+)-/.exec(name) ?? [];
    if (owner !== undefined && !isAlive(Number(owner))) await remove(join(workFolder, name));
  }
  const folder = await mkdtemp(join(workFolder, `run-${process.pid}-`));
  cleanup(() => remove(folder));
  return folder;
}

function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
