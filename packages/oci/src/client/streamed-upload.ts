import type { HttpResponse } from '@mir/http';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, isDigest } from '../digest.ts';
import { scopeOf } from './authorization.ts';
import type { RegistryConnection } from './registry-connection.ts';
import { BlobUpload } from './upload.ts';

/** Amazon's registries lose what comes in parts: they are not even tried. */
const losing = /(?:^|[.-])ecr(?:-fips|-public)?\./i;

/** Whether a registry may be sent a blob while it is still being written. */
export function mayStreamTo(registry: string): boolean {
  return !losing.test(registry);
}

/**
 * The upload of a blob that is still being written (distribution-spec, "Pushing a blob in chunks", with one chunk of unknown length).
 * Not every registry takes it, and some lose data: such a registry is told by a fault `registry/unexpected-answer`. Nothing counts
 * as taken before the registry has said that it has all bytes, has agreed to the digest, and has the blob when it is asked for it.
 */
export class StreamedUpload {
  readonly #connection: RegistryConnection;
  readonly #repository: string;
  readonly #sizeThere: (digest: Digest) => Promise<number | undefined>;
  /** Where the upload goes on, while one is open. */
  #location: string | undefined;
  #takenBytes = 0;

  /** `sizeThere`: asks for a blob of the repository. */
  constructor(
    connection: RegistryConnection,
    repository: string,
    sizeThere: (digest: Digest) => Promise<number | undefined>,
  ) {
    this.#connection = connection;
    this.#repository = repository;
    this.#sizeThere = sizeThere;
  }

  /**
   * Sends all that comes. `open` is called anew where the registry wants to be signed in to again.
   * @throws Fault of the registry, of HTTP, or of the content; {@link giveUp} takes back what was sent
   */
  async send(open: () => AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const upload = new BlobUpload(this.#connection, this.#repository);
    this.#location = await upload.begin();
    signal.throwIfAborted();
    const response = await this.#connection.send(
      {
        url: this.#location,
        method: 'PATCH',
        headers: { 'content-type': 'application/octet-stream' },
        body: open,
        repeatable: false,
        signal,
      },
      this.#scopes(),
      'send-blob',
    );
    if (response.status !== 202) throw await this.#refusal(response, 'take a blob of unknown length');
    const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(response.header('range') ?? '') ?? [];
    this.#location = await upload.locationOf(response);
    if (last === undefined) throw this.#connection.unexpected('it does not say what it has taken');
    this.#takenBytes = Number(last) + 1;
  }

  /** Makes what was sent a blob of the repository. @throws Fault of the registry or of HTTP: then it is to be sent as usual */
  async complete({ digest, size }: Descriptor): Promise<void> {
    if (this.#location === undefined || this.#takenBytes !== size)
      throw this.#connection.unexpected(`it has taken ${this.#takenBytes} of ${size} bytes`);
    const url = new URL(this.#location);
    url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
    const response = await this.#connection.send(
      { url: url.href, method: 'PUT', headers: { 'content-length': '0' }, repeatable: false },
      this.#scopes(),
      'send-blob',
    );
    if (response.status !== 201) throw await this.#refusal(response, 'make a blob of what it was sent');
    await response.discard();
    this.#location = undefined;
    const announced = response.header('docker-content-digest');
    if (announced !== undefined && isDigest(announced) && announced !== digest)
      throw this.#connection.unexpected(`it took blob ${digest} and calls it ${announced}`);
    if ((await this.#sizeThere(digest)) !== size)
      throw this.#connection.unexpected(`it took blob ${digest} and does not have it`);
  }

  /** Tells the registry that nothing comes of it. @throws Fault of HTTP */
  async giveUp(): Promise<void> {
    const location = this.#location;
    if (location === undefined) return;
    this.#location = undefined;
    const response = await this.#connection.send({ url: location, method: 'DELETE' }, this.#scopes(), 'send-blob');
    await response.discard();
  }

  /** What says no for now says nothing about streams; any other no does. */
  async #refusal(response: HttpResponse, act: string): Promise<unknown> {
    const { status } = response;
    const isForNow = [401, 403, 404, 408, 429].includes(status) || (status >= 500 && status !== 501);
    const refusal = await this.#connection.refusal(response, act, 'send-blob');
    return isForNow ? refusal : this.#connection.unexpected(`it does not ${act} (${status})`);
  }

  #scopes(): readonly string[] {
    return [scopeOf(this.#repository, 'pull', 'push')];
  }
}
