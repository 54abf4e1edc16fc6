import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Fault } from '@mir/core';
import { LayerWriter, readLayer } from '@mir/oci';

/** What is made anew by whoever needs it, or is a secret, and never belongs to a test run. */
const leftOutNames: ReadonlySet<string> = new Set([
  ...['.git', '.hg', '.svn', '.venv', 'venv', 'node_modules'],
  ...['__pycache__', '.mypy_cache', '.pytest_cache', '.ruff_cache', '.tox', '.ipynb_checkpoints'],
  // Where people and tools keep secrets: whoever wants a test to have one gives it as a variable.
  ...['.env', '.netrc', '.pypirc', '.ssh', '.gnupg', '.aws', '.azure', '.config', '.docker', '.kube'],
]);

/** A file to send. */
type LocalFile = {
  readonly path: string;
  readonly place: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
};

/** What of a folder is sent: its files, without what tools keep there for themselves; links are not followed. */
export type FolderContent = {
  readonly files: readonly LocalFile[];
  readonly sizeBytes: number;
  /** Links and other things that are no files. */
  readonly leftOut: readonly string[];
};

/** What a folder holds. @throws Fault `files/unreadable` */
export async function filesIn(folder: string): Promise<FolderContent> {
  const files: LocalFile[] = [];
  const leftOut: string[] = [];
  const walk = async (path: string): Promise<void> => {
    const entries = await readdir(join(folder, path), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inner = path === '' ? entry.name : `${path}/${entry.name}`;
      if (leftOutNames.has(entry.name)) continue;
      if (entry.isDirectory()) await walk(inner);
      else if (entry.isFile()) {
        const place = join(folder, inner);
        const { size, mode } = await stat(place);
        files.push({ path: inner, place, sizeBytes: size, isExecutable: (mode & 0o100) !== 0 });
      } else leftOut.push(inner);
    }
  };
  try {
    await walk('');
  } catch (thrown) {
    throw new Fault('files/unreadable', {
      what: `${folder} cannot be read: ${thrown instanceof Error ? thrown.message : thrown}`,
      subject: folder,
      hint: 'Name a folder that you may read with --files, or send none with --no-files.',
      cause: thrown,
    });
  }
  return { files, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), leftOut };
}

/** Files as a tar archive, compressed with gzip; made while it is read. */
export async function* archiveOf(files: readonly LocalFile[]): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const writer = new LayerWriter({ write: (chunk) => void chunks.push(Uint8Array.from(chunk)) });
  for (const { path, place, sizeBytes, isExecutable } of files) {
    await writer.add({
      type: 'file',
      path,
      mode: isExecutable ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      mtimeSeconds: 0,
      content: { kind: 'stream', sizeBytes, chunks: createReadStream(place) },
    });
    yield* chunks.splice(0);
  }
  await writer.finish();
  yield* chunks;
}

/** Puts the files of an archive below a folder. @returns how many there were */
export async function unpackInto(folder: string, archive: AsyncIterable<Uint8Array>): Promise<number> {
  let count = 0;
  for await (const entry of readLayer(archive)) {
    // The instance sends nothing else; whatever else there were would not be ours to make.
    if (entry.type !== 'file') continue;
    const place = resolve(folder, entry.path);
    await mkdir(dirname(place), { recursive: true });
    await pipeline(entry.content, createWriteStream(place));
    if ((entry.mode & 0o100) !== 0) await chmod(place, 0o755);
    count += 1;
  }
  return count;
}
