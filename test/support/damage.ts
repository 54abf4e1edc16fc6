import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a home keeps a blob. */
export function blobPath(home: string, digest: string): string {
  return join(home, 'registry/blobs', digest.replace(':', '/'));
}

/** Ways in which a disk changes a file behind our back. */
export const damages = {
  'a flipped bit': (bytes: Buffer) => {
    const flipped = Buffer.from(bytes);
    const at = Math.floor(bytes.length * 0.6);
    flipped.writeUInt8(flipped.readUInt8(at) ^ 4, at);
    return flipped;
  },
  'a block of zeros': (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -100), Buffer.alloc(100)]),
  'a lost end': (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1),
  'no bytes at all': () => Buffer.alloc(0),
} as const;

/** Damages a blob of a home, as a new file: homes of tests share files by links. */
export async function damage(home: string, digest: string, how: keyof typeof damages): Promise<void> {
  const path = blobPath(home, digest);
  const bytes = await readFile(path);
  await rm(path);
  await writeFile(path, damages[how](bytes));
}
