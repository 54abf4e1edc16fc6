import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { TreeEntry } from '@mir/core';

/** Writes entries below a folder, with owners and modes: needs root. Later entries replace earlier ones, as layers do. */
export async function writeTree(
  folder: string,
  entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>,
): Promise<void> {
  for await (const entry of entries) {
    const path = join(folder, entry.path);
    mkdirSync(dirname(path), { recursive: true });
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (entry.type === 'directory') {
      if (there === undefined) mkdirSync(path);
    } else if (there !== undefined) rmSync(path, { recursive: true });
    if (entry.type === 'symlink') {
      symlinkSync(entry.target, path);
      lchownSync(path, entry.uid, entry.gid);
      continue;
    }
    if (entry.type === 'hardlink') linkSync(join(folder, entry.target), path);
    if (entry.type === 'file') {
      if (entry.content.kind === 'bytes') writeFileSync(path, entry.content.bytes);
      else if (entry.content.kind === 'stream') {
        const file = openSync(path, 'w');
        for await (const chunk of entry.content.chunks) writeSync(file, chunk);
        closeSync(file);
      } else throw new TypeError('a .deb has no deflated contents');
    }
    chownSync(path, entry.uid, entry.gid);
    chmodSync(path, entry.mode);
    utimesSync(path, entry.mtimeSeconds, entry.mtimeSeconds);
  }
}
