import { createHash, type Hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { Fault } from '@mir/core';
import type { BlobStore } from './blob-store.ts';
import type { Digest } from './digest.ts';
import type { OciFaultCode } from './fault.ts';

/** What a blob turned out to be. */
export type WrittenBlob = { readonly digest: Digest; readonly sizeBytes: number };

/** A blob that is being written. Until `commit` nobody sees it; whoever does not get there leaves nothing visible. */
export interface BlobWriter extends AsyncDisposable {
  /** The file that it is written to, for who reads along. */
  readonly unfinishedPath: string;
  write(chunk: Uint8Array): Promise<void>;
  /** The digest of what was written until now: whoever streams into this writer need not hash again. */
  digest(): Digest;
  /**
   * Makes the blob visible under its digest, durably.
   * @throws Fault `blob/digest-mismatch`, `blob/size-mismatch` when it is not what was expected; nothing remains then
   */
  commit(expected?: { readonly digest?: Digest; readonly sizeBytes?: number }): Promise<WrittenBlob>;
  abort(): Promise<void>;
}

/**
 * Where writing to files happens: in Node's thread pool, or on the spot, which is right for a thread that has nothing else
 * to answer to. A trip to the pool costs as much as copying a hundred kilobytes.
 */
export type BlobWrites = 'elsewhere' | 'on-the-spot';

/** A blob on its way into a file of the store. */
export class FileBlobWriter implements BlobWriter {
  readonly unfinishedPath: string;
  #store: BlobStore;
  #file: FileHandle | undefined;
  #hash: Hash = createHash('sha256');
  #sizeBytes = 0;

  private constructor(store: BlobStore, path: string, file: FileHandle) {
    this.#store = store;
    this.unfinishedPath = path;
    this.#file = file;
  }

  static async create(store: BlobStore, path: string): Promise<FileBlobWriter> {
    return new FileBlobWriter(store, path, await open(path, 'wx', 0o644));
  }

  async write(chunk: Uint8Array): Promise<void> {
    const file = this.#requireOpen();
    // The write is under way while this thread hashes.
    const writing = this.#store.writes === 'elsewhere' ? writeWhole(file, chunk) : writeNow(file, chunk);
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
    await writing;
  }

  digest(): Digest {
    return `sha256:${this.#hash.copy().digest('hex')}`;
  }

  async commit(expected: { readonly digest?: Digest; readonly sizeBytes?: number } = {}): Promise<WrittenBlob> {
    const file = this.#requireOpen();
    const written = { digest: this.digest(), sizeBytes: this.#sizeBytes };
    try {
      requireAsExpected(written, expected);
      await file.sync();
    } catch (thrown) {
      await this.abort();
      throw thrown;
    }
    this.#file = undefined;
    await file.close();
    await this.#store.adopt(this.unfinishedPath, written.digest);
    return written;
  }

  async abort(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    await file.close();
    await rm(this.unfinishedPath, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  #requireOpen(): FileHandle {
    if (this.#file !== undefined) return this.#file;
    throw new Error('This blob was committed or aborted already.');
  }
}

function writeNow(file: FileHandle, chunk: Uint8Array): void {
  for (let done = 0; done < chunk.length; ) done += writeSync(file.fd, chunk, done, chunk.length - done, null);
}

/** Writes all of a chunk at the file's position: one write call may take only a part. */
export async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, null);
    done += bytesWritten;
  }
}

/** Refuses content that is not what was announced. @throws Fault `blob/size-mismatch`, `blob/digest-mismatch` */
export function requireAsExpected(
  written: WrittenBlob,
  expected: { readonly digest?: Digest; readonly sizeBytes?: number },
): void {
  if (expected.sizeBytes !== undefined && expected.sizeBytes !== written.sizeBytes) {
    throw new Fault<OciFaultCode>('blob/size-mismatch', {
      what: `A blob of ${expected.sizeBytes} bytes was expected, ${written.sizeBytes} came`,
      subject: expected.digest ?? written.digest,
      hint: 'Try again: the transfer was cut short or the source changed.',
    });
  }
  if (expected.digest !== undefined && expected.digest !== written.digest) {
    throw new Fault<OciFaultCode>('blob/digest-mismatch', {
      what: `Blob ${expected.digest} was expected, but what came has the digest ${written.digest}`,
      subject: expected.digest,
      hint: 'Try again; if it happens again, the source or something on the way alters the content.',
    });
  }
}
