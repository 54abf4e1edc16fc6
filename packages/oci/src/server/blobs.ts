import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { unknownBlob } from '../blob-store.ts';
import { type Digest, isDigest, parseDigest } from '../digest.ts';
import { isRepositoryName } from '../reference.ts';
import type { RepositoryStore } from '../repository-store.ts';
import { Refusal, sendEmpty } from './answer.ts';
import { bodyOf, type Exchange, requestedRange } from './exchange.ts';
import type { UploadPart, UploadSessions } from './upload-sessions.ts';

/** Blobs over HTTP: pulling, ranges, deleting (distribution-spec, "Pulling blobs", "Deleting Blobs"). */
export class BlobRoutes {
  #store: RepositoryStore;
  #sessions: UploadSessions;

  constructor(store: RepositoryStore, sessions: UploadSessions) {
    this.#store = store;
    this.#sessions = sessions;
  }

  async handleBlob(exchange: Exchange, repository: string, text: string): Promise<void> {
    const digest = parseDigest(text);
    switch (exchange.method) {
      case 'GET':
      case 'HEAD':
        return await this.#send(exchange, repository, digest);
      case 'DELETE':
        if (!(await this.#store.unlinkBlob(repository, digest))) throw unknownBlob(digest);
        return sendEmpty(exchange.response, 202);
      default:
        throw unsupportedMethod('GET, HEAD, DELETE');
    }
  }

  /** `POST …/blobs/uploads/`: a mount, a whole blob at once, or the beginning of an upload. */
  async handleBegin(exchange: Exchange, repository: string): Promise<void> {
    if (exchange.method !== 'POST') throw unsupportedMethod('POST');
    const { query, response } = exchange;
    const mounted = query.get('mount');
    if (mounted !== null && isDigest(mounted) && (await this.#mount(repository, mounted, query.get('from')))) {
      return sendEmpty(response, 201, blobHeaders(repository, mounted));
    }
    const announced = query.get('digest');
    const digest = announced === null ? undefined : parseDigest(announced);
    const session = await this.#sessions.begin(repository);
    if (digest !== undefined) return await this.#finish(exchange, repository, session, digest);
    sendEmpty(response, 202, sessionHeaders(repository, session, 0));
  }

  /** `…/blobs/uploads/<session>`: parts, state, end, giving up. */
  async handleSession(exchange: Exchange, repository: string, session: string): Promise<void> {
    const { response, query } = exchange;
    switch (exchange.method) {
      case 'GET':
        return sendEmpty(
          response,
          204,
          sessionHeaders(repository, session, await this.#sessions.sizeBytes(repository, session)),
        );
      case 'PATCH': {
        const sizeBytes = await this.#sessions.append(repository, session, partOf(exchange));
        return sendEmpty(response, 202, sessionHeaders(repository, session, sizeBytes));
      }
      case 'PUT':
        return await this.#finish(exchange, repository, session, parseDigest(query.get('digest') ?? ''));
      case 'DELETE':
        await this.#sessions.cancel(repository, session);
        return sendEmpty(response, 204);
      default:
        throw unsupportedMethod('GET, PATCH, PUT, DELETE');
    }
  }

  async #finish(exchange: Exchange, repository: string, session: string, digest: Digest): Promise<void> {
    await this.#sessions.finish(repository, session, digest, partOf(exchange));
    sendEmpty(exchange.response, 201, blobHeaders(repository, digest));
  }

  /** Without `from` any repository's blob will do (distribution-spec 1.1, "Mounting a blob from another repository"). */
  async #mount(repository: string, digest: Digest, from: string | null): Promise<boolean> {
    if (from === null)
      return (await this.#isLinkedAnywhere(digest)) && (await this.#store.linkBlob(repository, digest));
    if (!isRepositoryName(from) || !(await this.#store.hasBlob(from, digest))) return false;
    return await this.#store.linkBlob(repository, digest);
  }

  async #isLinkedAnywhere(digest: Digest): Promise<boolean> {
    if (!(await this.#store.blobs.has(digest))) return false;
    for (const repository of await this.#store.repositories()) {
      if (await this.#store.hasBlob(repository, digest)) return true;
    }
    return false;
  }

  async #send(exchange: Exchange, repository: string, digest: Digest): Promise<void> {
    const { request, response } = exchange;
    const sizeBytes = await this.#store.blobSize(repository, digest);
    if (sizeBytes === undefined) throw unknownBlob(digest);
    const headers = {
      'Content-Type': 'application/octet-stream',
      'Docker-Content-Digest': digest,
      'Accept-Ranges': 'bytes',
      ETag: `"${digest}"`,
    };
    if (exchange.method === 'HEAD') {
      // Whoever asks is likely to refer to it next: it must survive until then.
      await this.#store.blobs.touch(digest);
      return sendEmpty(response, 200, { ...headers, 'Content-Length': sizeBytes });
    }
    const range = requestedRange(request.headers.range, sizeBytes);
    if (range === 'unsatisfiable')
      throw new Refusal(416, 'SIZE_INVALID', `The blob has ${sizeBytes} bytes`, {
        'Content-Range': `bytes */${sizeBytes}`,
      });
    const { start, end } = range === 'whole' ? { start: 0, end: sizeBytes - 1 } : range;
    const partial = range === 'whole' ? {} : { 'Content-Range': `bytes ${start}-${end}/${sizeBytes}` };
    const length = end - start + 1;
    if (length === 0) return sendEmpty(response, 200, { ...headers, 'Content-Length': 0 });
    // A whole blob is checked while it is read; where it is damaged the connection breaks before its end.
    const content =
      range === 'whole'
        ? this.#store.blobs.read(digest)
        : createReadStream(this.#store.blobs.path(digest), { start, end, highWaterMark: 512 * 1024 });
    response.writeHead(range === 'whole' ? 200 : 206, { ...headers, ...partial, 'Content-Length': length });
    await pipeline(content, response);
  }
}

/** The refusal of a method that a resource does not have. */
export function unsupportedMethod(allowed: string): Refusal {
  return new Refusal(405, 'UNSUPPORTED', `Only ${allowed} can be used here`, { Allow: allowed });
}

function partOf(exchange: Exchange): UploadPart {
  const header = exchange.request.headers['content-range'];
  const chunks = bodyOf(exchange.request);
  if (header === undefined) return { chunks };
  const match = /^(?:bytes[ =])?([0-9]{1,15})-([0-9]{1,15})(?:\/.*)?$/.exec(header);
  const length = Number(exchange.request.headers['content-length'] ?? Number.NaN);
  const start = Number(match?.[1]);
  if (match === null || (!Number.isNaN(length) && Number(match[2]) - start + 1 !== length)) {
    throw new Refusal(
      416,
      'BLOB_UPLOAD_INVALID',
      `Content-Range "${header.slice(0, 100)}" does not fit the part that was sent`,
    );
  }
  return { chunks, start };
}

function blobHeaders(repository: string, digest: Digest): Readonly<Record<string, string>> {
  return { Location: `/v2/${repository}/blobs/${digest}`, 'Docker-Content-Digest': digest };
}

function sessionHeaders(repository: string, session: string, sizeBytes: number): Readonly<Record<string, string>> {
  return {
    Location: `/v2/${repository}/blobs/uploads/${session}`,
    'Docker-Upload-UUID': session,
    Range: `0-${Math.max(0, sizeBytes - 1)}`,
  };
}
