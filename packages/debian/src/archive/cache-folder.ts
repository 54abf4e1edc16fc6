import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Fault } from '@mir/core';
import type { DebianFaultCode } from '../fault.ts';
import type { StoredBytes } from './package-index.ts';

const checksumBytes = 4;
const readBytesAtOnce = 256 * 1024;

/**
 * Files of the archive's cache: whole or absent, safe for several processes at once. Each ends with its checksum, because what was
 * verified when it was fetched may have suffered since; a CRC finds that in a third of the time that reading takes.
 */
export class CacheFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The bytes kept under a name; undefined where they are not, or not any more, what was kept. */
  async read(name: string): Promise<Buffer | undefined> {
    const bytes = await readFile(join(this.#path, name)).catch(() => undefined);
    if (bytes === undefined || bytes.length < checksumBytes) return undefined;
    const content = bytes.subarray(0, -checksumBytes);
    return encoded(crc32(content)).equals(bytes.subarray(-checksumBytes)) ? content : undefined;
  }

  /**
   * What is kept under a name, checked as {@link read} does, to be read in parts. Whoever keeps something else later has to take
   * another name.
   */
  async find(name: string): Promise<StoredBytes | undefined> {
    const path = join(this.#path, name);
    const file = await open(path).catch(() => undefined);
    if (file === undefined) return undefined;
    try {
      const sizeBytes = (await file.stat()).size - checksumBytes;
      if (sizeBytes < 0 || !(await isWhole(file, sizeBytes))) return undefined;
      return { sizeBytes, read: (offsetBytes, partBytes) => readPart(path, offsetBytes, partBytes) };
    } finally {
      await file.close();
    }
  }

  /** Keeps bytes under a name, in the place of what was there. Throws what reading them throws, and keeps nothing then. */
  async write(name: string, content: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<void> {
    await mkdir(this.#path, { recursive: true });
    const aside = join(this.#path, `.${name}.${process.pid}.${randomBytes(6).toString('hex')}`);
    try {
      const file = await open(aside, 'wx');
      try {
        let checksum = 0;
        for await (const piece of piecesOf(content)) {
          checksum = crc32(piece, checksum);
          await file.writeFile(piece);
        }
        await file.writeFile(encoded(checksum));
      } finally {
        await file.close();
      }
      await rename(aside, join(this.#path, name));
    } catch (problem) {
      await rm(aside, { force: true });
      throw problem;
    }
  }
}

async function* piecesOf(content: Uint8Array | string | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (typeof content === 'string') yield Buffer.from(content);
  else if (content instanceof Uint8Array) yield content;
  else yield* content;
}

function encoded(checksum: number): Buffer {
  const bytes = Buffer.alloc(checksumBytes);
  bytes.writeUInt32BE(checksum);
  return bytes;
}

async function isWhole(file: FileHandle, sizeBytes: number): Promise<boolean> {
  const room = Buffer.allocUnsafeSlow(readBytesAtOnce);
  let checksum = 0;
  for (let at = 0; at < sizeBytes; ) {
    const { bytesRead } = await file.read(room, 0, Math.min(room.length, sizeBytes - at), at);
    if (bytesRead === 0) return false;
    checksum = crc32(room.subarray(0, bytesRead), checksum);
    at += bytesRead;
  }
  const { bytesRead } = await file.read(room, 0, checksumBytes, sizeBytes);
  return bytesRead === checksumBytes && encoded(checksum).equals(room.subarray(0, checksumBytes));
}

function readPart(path: string, offsetBytes: number, sizeBytes: number): Buffer {
  const part = Buffer.allocUnsafe(sizeBytes);
  let readBytes = 0;
  try {
    const file = openSync(path, 'r');
    try {
      for (let more = 1; more > 0 && readBytes < sizeBytes; readBytes += more) {
        more = readSync(file, part, readBytes, sizeBytes - readBytes, offsetBytes + readBytes);
      }
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new Fault<DebianFaultCode>('archive/not-cached', {
      what: `${path}, an index that was read a moment ago, cannot be read any more`,
      subject: path,
      hint: 'Run the command again, and not while the cache is being cleared.',
      cause,
    });
  }
  return part.subarray(0, readBytes);
}
