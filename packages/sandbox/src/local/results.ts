import type { Readable } from 'node:stream';
import { isFault } from '@mir/core';
import { type LayerEntry, readLayer } from '@mir/oci';
import type { SandboxResults } from '../sandbox.ts';

const namedLimit = 100;

/** What became of the results. */
export type TakenResults = { readonly leftOut: readonly string[]; readonly isTooMuch: boolean };

/**
 * Hands the files of an archive on, one after the other. The archive was written by a program of the machine, of a tree that somebody hostile
 * made: nothing in it but plain files is taken.
 */
export async function takeResults(archive: Readable, prefix: string, results: SandboxResults): Promise<TakenResults> {
  const leftOut: string[] = [];
  const leaveOut = (words: string) => {
    if (leftOut.length < namedLimit) leftOut.push(words);
    else if (leftOut.length === namedLimit) leftOut.push('and more');
  };
  let files = 0;
  let bytes = 0;
  const entryLimit = results.fileLimit * 4 + 10_000;
  try {
    for await (const entry of readLayer(archive, { entries: entryLimit, uncompressedBytes: archiveLimit(results) })) {
      const path = inside(entry.path, prefix);
      if (path === undefined || entry.type === 'directory') continue;
      if (entry.type !== 'file') {
        leaveOut(`${path}: ${kindOf(entry)}`);
        continue;
      }
      files += 1;
      bytes += entry.sizeBytes;
      if (files > results.fileLimit || bytes > results.limitBytes) return { leftOut, isTooMuch: true };
      const { sizeBytes, content, mode } = entry;
      await results.accept({ path, sizeBytes, isExecutable: (mode & 0o111) !== 0, content });
    }
  } catch (thrown) {
    // Folders and links without number are no fault of an archive, as which it would be told.
    if (isFault(thrown, 'layer/too-large')) return { leftOut, isTooMuch: true };
    throw thrown;
  }
  return { leftOut, isTooMuch: false };
}

/** No archive can hold a socket: what writes it only says so. */
export function socketsNamedIn(complaint: string, prefix: string): readonly string[] {
  return [...complaint.matchAll(/^tar: (?:\.\/)?(.*): socket ignored$/gm)]
    .map(([, path = '']) => inside(path, prefix))
    .filter((path) => path !== undefined)
    .map((path) => `${path}: a socket`);
}

function archiveLimit({ fileLimit, limitBytes }: SandboxResults): number {
  return limitBytes * 2 + (fileLimit * 4 + 10_000) * 8192;
}

function inside(path: string, prefix: string): string | undefined {
  if (prefix === '') return path;
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : undefined;
}

function kindOf(entry: LayerEntry): string {
  switch (entry.type) {
    case 'symlink':
      return 'a symbolic link';
    case 'hardlink':
      return 'a hard link';
    case 'fifo':
      return 'a pipe';
    case 'whiteout':
    case 'opaque':
      return 'a name that layers reserve';
    default:
      return 'a device';
  }
}
