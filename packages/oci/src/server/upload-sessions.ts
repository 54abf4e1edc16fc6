import { createHash, type Hash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@mir/core';
import { requireAsExpected, type WrittenBlob, writeWhole } from '../blob-writer.ts';
import type { Digest } from '../digest.ts';
import { isMissing, makeDirectory } from '../durable-file.ts';
import type { OciFaultCode } from '../fault.ts';
import type { RepositoryStore } from '../repository-store.ts';

/** A part of an upload: where it claims to begin, when the client says so. */
export type UploadPart = { readonly chunks: AsyncIterable<Uint8Array>; readonly start?: number };

type Progress = { readonly hash: Hash; sizeBytes: number };

const sessionPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Unfinished uploads: one growing file each, in the folder of the repository that it belongs to. The running hash is
 * kept in memory and made again from the file when another process (or this one, before a restart) wrote it.
 */
export class UploadSessions {
  #store: RepositoryStore;
  #progress = new Map<string, Progress>();
  #busy = new Set<string>();

  constructor(store: RepositoryStore) {
    this.#store = store;
  }

  /** Begins an upload and returns its name. */
  async begin(repository: string): Promise<string> {
    const session = randomUUID();
    await makeDirectory(this.#store.uploadFolder(repository));
    await (await open(this.#path(repository, session), 'wx', 0o644)).close();
    this.#progress.set(session, { hash: createHash('sha256'), sizeBytes: 0 });
    return session;
  }

  /** How many bytes have arrived. @throws Fault `upload/unknown` */
  async sizeBytes(repository: string, session: string): Promise<number> {
    try {
      return (await stat(this.#path(repository, session))).size;
    } catch (thrown) {
      throw isMissing(thrown) ? unknownUpload(session) : thrown;
    }
  }

  /**
   * Appends a part and returns how many bytes there are then. What arrives before a connection breaks is kept.
   * @throws Fault `upload/unknown`, `upload/range` when the part does not begin where the last one ended, `upload/busy`
   */
  async append(repository: string, session: string, part: UploadPart): Promise<number> {
    return await this.#alone(session, async () => {
      const sizeBytes = await this.sizeBytes(repository, session);
      requireContinuation(part, sizeBytes);
      return (await this.#write(repository, session, part)).sizeBytes;
    });
  }

  /**
   * Appends the last part, if any, and makes the whole a blob of the repository.
   * @throws those of {@link append}; Fault `blob/digest-mismatch`, after which the upload is gone
   */
  async finish(
    repository: string,
    session: string,
    digest: Digest,
    part: UploadPart | undefined,
  ): Promise<WrittenBlob> {
    return await this.#alone(session, async () => {
      const path = this.#path(repository, session);
      const before = await this.sizeBytes(repository, session);
      if (part !== undefined) requireContinuation(part, before);
      const progress = await this.#write(repository, session, part);
      const written: WrittenBlob = {
        digest: `sha256:${progress.hash.copy().digest('hex')}`,
        sizeBytes: progress.sizeBytes,
      };
      try {
        requireAsExpected(written, { digest });
      } catch (thrown) {
        await this.#forget(repository, session);
        throw thrown;
      }
      await this.#store.blobs.adopt(path, digest);
      this.#progress.delete(session);
      await this.#store.linkBlob(repository, digest);
      return written;
    });
  }

  /** Gives an upload up. @throws Fault `upload/unknown` */
  async cancel(repository: string, session: string): Promise<void> {
    await this.sizeBytes(repository, session);
    await this.#forget(repository, session);
  }

  async #write(repository: string, session: string, part: UploadPart | undefined): Promise<Progress> {
    await using file = await this.#openForAppending(repository, session);
    const progress = await this.#resume(repository, session, (await file.stat()).size);
    try {
      if (part !== undefined) await appendAll(file, part.chunks, progress);
      await file.sync();
    } catch (thrown) {
      // Whether hash and file still agree is not sure: the next part begins with a new look at the file.
      this.#progress.delete(session);
      throw thrown;
    }
    return progress;
  }

  /** Never makes the file: an upload that was given up a moment ago would come back, and stay. */
  async #openForAppending(repository: string, session: string): Promise<FileHandle> {
    try {
      return await open(this.#path(repository, session), constants.O_WRONLY | constants.O_APPEND);
    } catch (thrown) {
      throw isMissing(thrown) ? unknownUpload(session) : thrown;
    }
  }

  async #resume(repository: string, session: string, sizeBytes: number): Promise<Progress> {
    const known = this.#progress.get(session);
    if (known !== undefined && known.sizeBytes === sizeBytes) return known;
    const progress: Progress = { hash: createHash('sha256'), sizeBytes };
    await using file = await open(this.#path(repository, session), 'r');
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }))
      progress.hash.update(chunk);
    this.#progress.set(session, progress);
    return progress;
  }

  async #forget(repository: string, session: string): Promise<void> {
    this.#progress.delete(session);
    await rm(this.#path(repository, session), { force: true });
  }

  async #alone<Result>(session: string, act: () => Promise<Result>): Promise<Result> {
    if (this.#busy.has(session)) {
      throw new Fault<OciFaultCode>('upload/busy', {
        what: `Upload ${session} is receiving another part at this moment`,
        subject: session,
        hint: 'Send the parts of one upload one after the other.',
      });
    }
    this.#busy.add(session);
    try {
      return await act();
    } finally {
      this.#busy.delete(session);
    }
  }

  #path(repository: string, session: string): string {
    if (!sessionPattern.test(session)) throw unknownUpload(session);
    return join(this.#store.uploadFolder(repository), session);
  }
}

async function appendAll(file: FileHandle, chunks: AsyncIterable<Uint8Array>, progress: Progress): Promise<void> {
  for await (const chunk of chunks) {
    // The write is under way while this thread hashes.
    const writing = writeWhole(file, chunk);
    progress.hash.update(chunk);
    progress.sizeBytes += chunk.length;
    await writing;
  }
}

function requireContinuation(part: UploadPart, sizeBytes: number): void {
  if (part.start === undefined || part.start === sizeBytes) return;
  throw new Fault<OciFaultCode>('upload/range', {
    what: `The part begins at byte ${part.start}, but ${sizeBytes} bytes have arrived`,
    hint: 'Ask for the state of the upload and go on from there.',
  });
}

function unknownUpload(session: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('upload/unknown', {
    what: `There is no upload "${session.slice(0, 100)}" in this repository`,
    subject: session.slice(0, 100),
    hint: 'Begin a new one: it was finished, given up, or left alone for too long.',
  });
}
