import { setTimeout as delay } from 'node:timers/promises';
import { isFault } from '@mir/core';
import type { HttpResponse } from '@mir/http';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, isDigest } from '../digest.ts';
import { isRepositoryName } from '../reference.ts';
import { scopeOf } from './authorization.ts';
import type { RegistryConnection } from './registry-connection.ts';
import { retryAfterSeconds } from './retry-after.ts';

/** How a blob came to be in a repository. */
export type UploadOutcome = 'present' | 'mounted' | 'uploaded';

/** How a blob is brought into a repository. */
export type UploadOptions = {
  /** Repositories of the same registry that may have the blob, the likeliest first. */
  readonly mountFrom?: readonly string[];
  /** Do not ask first whether the blob is there: right for repositories that are new. */
  readonly skipCheck?: boolean;
  /** Told how many bytes were sent; starts at nothing again when the upload does. */
  readonly onProgress?: (sentBytes: number) => void;
  readonly signal?: AbortSignal;
};

const attempts = 4;

/** Mounts and uploads of blobs that are whole (distribution-spec, "Pushing blobs"): POST, then one PUT, never PATCH, which some lose. */
export class BlobUpload {
  #connection: RegistryConnection;
  #repository: string;

  constructor(connection: RegistryConnection, repository: string) {
    this.#connection = connection;
    this.#repository = repository;
  }

  async mount(digest: Digest, from: string): Promise<boolean> {
    return (await this.#tryMount(digest, from)) === 'mounted';
  }

  async bring(
    descriptor: Descriptor,
    open: () => AsyncIterable<Uint8Array>,
    options: UploadOptions,
  ): Promise<'mounted' | 'uploaded'> {
    let location: string | undefined;
    for (const from of options.mountFrom ?? []) {
      if (from === this.#repository || !isRepositoryName(from)) continue;
      if (location !== undefined) await this.#giveUp(location);
      const outcome = await this.#tryMount(descriptor.digest, from);
      if (outcome === 'mounted') return 'mounted';
      location = outcome;
    }
    for (let attempt = 1; ; attempt++) {
      location ??= await this.begin();
      const failure = await this.#put(location, descriptor, open, options);
      if (failure === undefined) return 'uploaded';
      if (attempt === attempts || !failure.again) throw failure.fault;
      // What a broken upload has left in its session is unknown: only a new one is sure.
      location = undefined;
      await delay(200 * 2 ** (attempt - 1), undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  }

  /**
   * `mounted`; or where the upload goes on that the registry has begun instead; or undefined when it does not want to mount from there,
   * which is no reason not to upload.
   */
  async #tryMount(digest: Digest, from: string): Promise<'mounted' | string | undefined> {
    try {
      return await this.#askToMount(digest, from);
    } catch (thrown) {
      if (isFault(thrown, 'registry/unauthorized')) return undefined;
      throw thrown;
    }
  }

  async #askToMount(digest: Digest, from: string): Promise<'mounted' | string | undefined> {
    const path = `/v2/${this.#repository}/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
    const response = await this.#connection.send(
      { url: path, method: 'POST', headers: { 'content-length': '0' }, repeatable: true },
      [...this.#scopes(), scopeOf(from, 'pull')],
      'begin-upload',
    );
    if (response.status === 201) {
      await response.discard();
      this.#requireSame(digest, response.header('docker-content-digest'));
      return 'mounted';
    }
    if (response.status >= 400) {
      // Whatever is wrong with the other repository, this one may take the blob all the same; if not, it says so itself.
      await response.discard();
      return undefined;
    }
    return await this.locationOf(response);
  }

  /** Begins an upload; gives where it goes on. */
  async begin(): Promise<string> {
    const response = await this.#connection.send(
      {
        url: `/v2/${this.#repository}/blobs/uploads/`,
        method: 'POST',
        headers: { 'content-length': '0' },
        repeatable: true,
      },
      this.#scopes(),
      'begin-upload',
    );
    return await this.locationOf(response);
  }

  async #put(
    location: string,
    descriptor: Descriptor,
    open: () => AsyncIterable<Uint8Array>,
    options: UploadOptions,
  ): Promise<{ readonly fault: unknown; readonly again: boolean } | undefined> {
    const url = new URL(location);
    // The address is the registry's own, parameters included: the digest is added and nothing else touched.
    url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(descriptor.digest)}`;
    try {
      const response = await this.#connection.send(
        {
          url: url.href,
          method: 'PUT',
          headers: { 'content-type': 'application/octet-stream', 'content-length': String(descriptor.size) },
          body: descriptor.size === 0 ? new Uint8Array(0) : () => counted(open(), options.onProgress),
          repeatable: false,
          ...(options.signal === undefined ? {} : { signal: options.signal }),
        },
        this.#scopes(),
        'send-blob',
      );
      if (response.status === 201 || response.status === 202 || response.status === 204) {
        await response.discard();
        this.#requireSame(descriptor.digest, response.header('docker-content-digest'));
        return undefined;
      }
      const again =
        response.status === 401 ||
        response.status === 404 ||
        response.status === 416 ||
        response.status === 429 ||
        response.status >= 500;
      if (again) await waitAsAsked(response, options.signal);
      return {
        fault: await this.#connection.refusal(
          response,
          `take blob ${descriptor.digest} into ${this.#repository}`,
          'send-blob',
        ),
        again,
      };
    } catch (thrown) {
      return { fault: thrown, again: isFault(thrown, 'http/interrupted', 'http/timeout', 'http/unreachable') };
    }
  }

  #requireSame(digest: Digest, announced: string | undefined): void {
    if (announced === undefined || !isDigest(announced) || announced === digest) return;
    throw this.#connection.unexpected(`it took blob ${digest} and calls it ${announced}`);
  }

  async #giveUp(location: string): Promise<void> {
    const response = await this.#connection.send(
      { url: location, method: 'DELETE', repeatable: true },
      this.#scopes(),
      'send-blob',
    );
    await response.discard();
  }

  /** Where an upload goes on. @throws Fault of the registry when it does not */
  async locationOf(response: HttpResponse): Promise<string> {
    if (response.status !== 202)
      throw await this.#connection.refusal(response, `begin an upload into ${this.#repository}`, 'begin-upload');
    await response.discard();
    const location = URL.parse(response.header('location') ?? '', response.url);
    if (location === null || response.header('location') === undefined)
      throw this.#connection.unexpected('it does not say where the upload goes on');
    if (location.protocol === 'http:' && this.#connection.baseUrl.startsWith('https:'))
      throw this.#connection.unexpected('the upload would go on without encryption');
    return location.href;
  }

  #scopes(): readonly string[] {
    return [scopeOf(this.#repository, 'pull', 'push')];
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onProgress: ((sentBytes: number) => void) | undefined,
): AsyncIterable<Uint8Array> {
  let sentBytes = 0;
  for await (const chunk of chunks) {
    yield chunk;
    sentBytes += chunk.length;
    onProgress?.(sentBytes);
  }
}

const longestWaitSeconds = 60;

async function waitAsAsked(response: HttpResponse, signal: AbortSignal | undefined): Promise<void> {
  const seconds = retryAfterSeconds(response);
  if (seconds === undefined) return;
  await delay(Math.min(seconds, longestWaitSeconds) * 1000, undefined, signal === undefined ? {} : { signal });
}
