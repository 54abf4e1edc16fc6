import { createHash, type Hash } from 'node:crypto';
import { constants, createReadStream, type Dirent, readFileSync, statSync } from 'node:fs';
import { copyFile, type FileHandle, mkdir, open, readdir, rename, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@mir/core';
import { type BlobWriter, type BlobWrites, FileBlobWriter, type WrittenBlob } from './blob-writer.ts';
import { type Digest, digestOf, hexOf, isDigest } from './digest.ts';
import { damagedFolder, isMissing, newTemporaryPath, syncDirectory } from './durable-file.ts';
import type { OciFaultCode } from './fault.ts';

/** A part of a blob. */
export type ByteRange = { readonly start: number; readonly length: number };

/** Where blobs can be read from: a blob store, or the blobs of an image layout. */
export interface BlobReader {
  /** The size of a blob, or undefined when it is not there. */
  size(digest: Digest): Promise<number | undefined>;
  /**
   * The bytes of a blob or of a part. Throws Fault `blob/unknown` or `blob/range` on the first read; and before the last bytes of a
   * whole blob when they are not what the digest says.
   */
  read(digest: Digest, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** A small blob as a whole. @throws Fault `blob/unknown`, `blob/too-large` */
  bytes(digest: Digest, limitBytes: number): Promise<Uint8Array>;
}

const readChunkBytes = 256 * 1024;
/** Blobs up to this size are read in one go. */
const smallBytes = 256 * 1024;

/**
 * Content-addressed files in `<directory>/blobs/sha256/<hex>`, the shape that an OCI image layout has. A blob is there
 * whole or not at all, whatever is killed when; any number of processes may use one directory.
 */
export class BlobStore implements BlobReader {
  readonly directory: string;
  readonly writes: BlobWrites;
  #blobs: string;

  private constructor(directory: string, writes: BlobWrites) {
    this.directory = directory;
    this.writes = writes;
    this.#blobs = join(directory, 'blobs', 'sha256');
  }

  /** The store in a directory; what is missing of it is made when something is written. */
  static async open(directory: string, options: { readonly writes?: BlobWrites } = {}): Promise<BlobStore> {
    return new BlobStore(directory, options.writes ?? 'elsewhere');
  }

  /** The file of a whole blob, whether it is there or not. It must never be changed. */
  path(digest: Digest): string {
    return join(this.#blobs, hexOf(digest));
  }

  async size(digest: Digest): Promise<number | undefined> {
    // Asked for by the hundred: a trip to the thread pool would cost several times what the answer does.
    return statSync(this.path(digest), { throwIfNoEntry: false })?.size;
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.size(digest)) !== undefined;
  }

  /**
   * Declares that a blob is about to be used, which protects it from the garbage collector for its grace period.
   * @returns whether the blob is there
   */
  async touch(digest: Digest): Promise<boolean> {
    const now = new Date();
    try {
      await utimes(this.path(digest), now, now);
      return true;
    } catch (thrown) {
      if (isMissing(thrown)) return false;
      throw thrown;
    }
  }

  read(digest: Digest, range?: ByteRange): AsyncIterable<Uint8Array> {
    return this.#read(digest, range, (sizeBytes) => Buffer.allocUnsafeSlow(sizeBytes));
  }

  /** The bytes of a whole blob for who passes them on: a chunk is good until the next is asked for, which spares making and collecting room. */
  pass(digest: Digest): AsyncIterable<Uint8Array> {
    let room: Buffer | undefined;
    return this.#read(digest, undefined, (sizeBytes) => {
      room ??= Buffer.allocUnsafeSlow(sizeBytes);
      return room;
    });
  }

  /** `roomFor`: where the next chunk goes, of which the first is the largest. */
  async *#read(
    digest: Digest,
    range: ByteRange | undefined,
    roomFor: (sizeBytes: number) => Buffer,
  ): AsyncGenerator<Uint8Array> {
    const wholeBytes = range === undefined ? await this.size(digest) : undefined;
    if (wholeBytes !== undefined && wholeBytes <= smallBytes) {
      const bytes = await this.#smallBytes(digest);
      if (bytes.length > 0) yield bytes;
      return;
    }
    const file = await this.#openForReading(digest);
    try {
      const sizeBytes = (await file.stat()).size;
      const start = range?.start ?? 0;
      const end = range === undefined ? sizeBytes : start + range.length;
      if (start < 0 || end > sizeBytes || end < start) throw outOfRange(digest, start, end, sizeBytes);
      const hash = range === undefined ? createHash('sha256') : undefined;
      for (let position = start; position < end; ) {
        const wantedBytes = Math.min(readChunkBytes, end - position);
        const buffer = roomFor(wantedBytes);
        const { bytesRead } = await file.read(buffer, 0, wantedBytes, position);
        if (bytesRead === 0) throw outOfRange(digest, start, end, position);
        position += bytesRead;
        const chunk = buffer.subarray(0, bytesRead);
        hash?.update(chunk);
        // The last bytes come only when all were true: nobody can take a damaged blob for a finished one.
        if (position === end && hash !== undefined) await this.#requireTrue(digest, hash);
        yield chunk;
      }
    } finally {
      await file.close();
    }
  }

  async bytes(digest: Digest, limitBytes: number): Promise<Uint8Array> {
    const sizeBytes = await this.size(digest);
    if (sizeBytes === undefined) throw unknownBlob(digest);
    if (sizeBytes > limitBytes) {
      throw new Fault<OciFaultCode>('blob/too-large', {
        what: `Blob ${digest} has ${sizeBytes} bytes, more than the ${limitBytes} that are taken into memory here`,
        subject: digest,
        hint: 'Check that this digest is what you mean: a config or manifest is never that big.',
      });
    }
    if (sizeBytes <= smallBytes) return this.#smallBytes(digest);
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.read(digest)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Manifests, configurations, facts: hundreds of them in one build, each read in one go. */
  async #smallBytes(digest: Digest): Promise<Uint8Array> {
    try {
      const bytes = readFileSync(this.path(digest));
      await this.#requireTrue(digest, createHash('sha256').update(bytes));
      return bytes;
    } catch (thrown) {
      throw isMissing(thrown) ? unknownBlob(digest) : thrown;
    }
  }

  /** Copies a blob into a new file and reads the copy back. @throws Fault `blob/unknown`, `blob/damaged` */
  async copy(digest: Digest, path: string): Promise<void> {
    // The kernel copies, and shares the blocks where the file system can.
    await copyFile(this.path(digest), path, constants.COPYFILE_FICLONE).catch((thrown: unknown) => {
      throw isMissing(thrown) ? unknownBlob(digest) : thrown;
    });
    if ((await digestOfFile(path)) !== digest) throw await this.setAside(digest);
  }

  /** Reads a whole blob: whether it is what its digest says, or undefined when it is not there. Changes nothing. */
  async isTrue(digest: Digest): Promise<boolean | undefined> {
    try {
      return (await digestOfFile(this.path(digest))) === digest;
    } catch (thrown) {
      if (isMissing(thrown)) return undefined;
      throw thrown;
    }
  }

  /**
   * Takes a damaged blob out of the store, so that it counts as absent and is made or fetched again; its bytes stay in the folder
   * `damaged` until garbage is collected. Gives the fault that says so.
   */
  async setAside(digest: Digest): Promise<Fault<OciFaultCode>> {
    const folder = damagedFolder(this.directory);
    await mkdir(folder, { recursive: true });
    // Another reader may have found it before, and by now it was made anew: a true blob is not taken away from whoever relies on it.
    if ((await this.isTrue(digest)) === false) {
      await rename(this.path(digest), join(folder, hexOf(digest))).catch((thrown: unknown) => {
        if (!isMissing(thrown)) throw thrown;
      });
    }
    return new Fault<OciFaultCode>('blob/damaged', {
      what: `The stored blob ${digest} is not what its digest says any more: the disk or another program changed it`,
      subject: digest,
      hint: 'It was set aside. Run the command again: it is made or fetched anew; `mir registry verify` looks at all others.',
    });
  }

  /** A writer for a new blob whose digest need not be known yet. */
  async write(): Promise<BlobWriter> {
    await mkdir(this.#blobs, { recursive: true });
    return await FileBlobWriter.create(this, await newTemporaryPath(this.directory));
  }

  /** Keeps bytes at hand. */
  async put(bytes: Uint8Array): Promise<WrittenBlob> {
    const digest = digestOf(bytes);
    if ((await this.size(digest)) === bytes.length && (await this.touch(digest)))
      return { digest, sizeBytes: bytes.length };
    await using writer = await this.write();
    await writer.write(bytes);
    return await writer.commit();
  }

  /** Makes a finished, synced file of the same file system a blob of this store. The digest must be true. */
  async adopt(file: string, digest: Digest): Promise<void> {
    await mkdir(this.#blobs, { recursive: true });
    // Also over one that is there: these bytes were just checked, and those may have suffered since.
    try {
      await rename(file, this.path(digest));
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
      throw new Fault<OciFaultCode>('blob/lost', {
        what: `The unfinished file of blob ${digest} has gone while it was written`,
        subject: file,
        hint: 'Try again; if it happens again, give the garbage collector a longer grace period.',
        cause: thrown,
      });
    }
    await syncDirectory(this.#blobs);
  }

  /** Every blob, in no order, with the time of its last write or touch. */
  async *list(): AsyncIterable<WrittenBlob & { readonly modifiedMilliseconds: number }> {
    for (const entry of await listDirectory(this.#blobs)) {
      const digest = `sha256:${entry.name}`;
      if (!entry.isFile() || !isDigest(digest)) continue;
      try {
        const facts = await stat(this.path(digest));
        yield { digest, sizeBytes: facts.size, modifiedMilliseconds: facts.mtimeMs };
      } catch (thrown) {
        if (!isMissing(thrown)) throw thrown;
      }
    }
  }

  async #requireTrue(digest: Digest, hash: Hash): Promise<void> {
    if (hash.digest('hex') !== hexOf(digest)) throw await this.setAside(digest);
  }

  async #openForReading(digest: Digest): Promise<FileHandle> {
    try {
      return await open(this.path(digest), 'r');
    } catch (thrown) {
      if (isMissing(thrown)) throw unknownBlob(digest);
      throw thrown;
    }
  }
}

async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: readChunkBytes })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

/** The fault for a blob that is not there. */
export function unknownBlob(digest: Digest): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('blob/unknown', {
    what: `There is no blob ${digest}`,
    subject: digest,
    hint: 'Check the digest; the blob may have been removed by garbage collection.',
  });
}

function outOfRange(digest: Digest, start: number, end: number, sizeBytes: number): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('blob/range', {
    what: `Bytes ${start} to ${end} were asked of blob ${digest}, which has ${sizeBytes}`,
    subject: digest,
    hint: 'Ask for a part that lies within the blob.',
  });
}

async function listDirectory(directory: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}
