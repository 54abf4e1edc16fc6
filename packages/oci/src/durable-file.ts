import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** The folder of unfinished files inside a store's directory: on the same file system, so that a rename is atomic. */
export function temporaryFolder(directory: string): string {
  return join(directory, 'tmp');
}

/** The folder of blobs that were found damaged. */
export function damagedFolder(directory: string): string {
  return join(directory, 'damaged');
}

/** A name for an unfinished file; it tells which process writes it, for the garbage collector. */
export async function newTemporaryPath(directory: string): Promise<string> {
  const folder = temporaryFolder(directory);
  await mkdir(folder, { recursive: true });
  return join(folder, `${process.pid}.${randomUUID()}.${hostname()}`);
}

/** Whether an unfinished file belongs to a process of this host that still runs. */
export function writerIsAlive(fileName: string): boolean {
  const [processId = '', , ...host] = fileName.split('.');
  if (host.join('.') !== hostname() || !/^[0-9]+$/.test(processId)) return false;
  try {
    process.kill(Number(processId), 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * A name beside a file or folder for its unfinished form. What killed writers of the same target have left on this host is removed:
 * nobody else would.
 */
export async function newUnfinishedSibling(target: string): Promise<string> {
  const folder = dirname(target);
  const [prefix, suffix] = [`.${basename(target)}.`, '.unfinished'];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(prefix) || !name.endsWith(suffix)) continue;
    const writer = name.slice(prefix.length, -suffix.length);
    const isOfThisHost = /^[0-9]+\.[0-9a-f-]{36}\./.test(writer) && writer.endsWith(`.${hostname()}`);
    if (isOfThisHost && !writerIsAlive(writer)) await rm(join(folder, name), { recursive: true, force: true });
  }
  return join(folder, `${prefix}${process.pid}.${randomUUID()}.${hostname()}${suffix}`);
}

/** Writes a small file whole, durably and atomically: readers see the old content or the new. */
export async function writeDurably(directory: string, path: string, content: Uint8Array | string): Promise<void> {
  const unfinished = await newTemporaryPath(directory);
  try {
    await using file = await open(unfinished, 'wx', 0o644);
    await file.writeFile(content);
    await file.sync();
    await makeDirectory(dirname(path));
    await rename(unfinished, path);
  } catch (thrown) {
    await rm(unfinished, { force: true });
    throw thrown;
  }
  await syncDirectory(dirname(path));
}

/** Makes a folder and its missing parents, and makes their names durable. */
export async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Makes the names in a folder survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  await using folder = await open(directory, 'r');
  await folder.sync();
}

/** Whether a thrown value says that a file or folder is not there. */
export function isMissing(thrown: unknown): boolean {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
