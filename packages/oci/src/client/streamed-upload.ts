import { isFault } from '@mir/core';
import type { Descriptor } from '../descriptor.ts';
import { isDigest } from '../digest.ts';
import { scopeOf } from './authorization.ts';
import type { RegistryConnection } from './registry-connection.ts';
import { BlobUpload } from './upload.ts';

/** Registries of which it is known that they lose what comes without a length: they are not even tried. */
const losing = /\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$|^public\.ecr\.aws$/;

/** Whether a registry may be sent a blob while it is still being written. */
export function mayStreamTo(registry: string): boolean {
  return !losing.test(registry.replace(/:\d+$/, ''));
}

/**
 * The upload of a blob that is still being written (distribution-spec, "Pushing a blob in chunks", with one chunk of unknown length).
 * Not every registry takes it, and some lose data: whoever uses it checks what was taken, and uploads as usual where this failed.
 */
export class StreamedUpload {
  readonly #connection: RegistryConnection;
  readonly #repository: string;
  /** Where the upload goes on, and how many bytes the registry says that it has. */
  #taken: { readonly location: string; readonly sizeBytes: number } | undefined;

  constructor(connection: RegistryConnection, repository: string) {
    this.#connection = connection;
    this.#repository = repository;
  }

  /**
   * Sends all that comes.
   * @throws Fault of the registry, of HTTP, or of the content
   */
  async send(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const begun = await new BlobUpload(this.#connection, this.#repository).begin();
    const response = await this.#connection.send(
      {
        url: begun,
        method: 'PATCH',
        headers: { 'content-type': 'application/octet-stream' },
        body: () => chunks,
        repeatable: false,
        signal,
      },
      this.#scopes(),
    );
    if (response.status !== 202) throw await this.#connection.refusal(response, 'take a blob of unknown length');
    await response.discard();
    const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(response.header('range') ?? '') ?? [];
    const location = URL.parse(response.header('location') ?? '', response.url);
    if (last === undefined || location === null) throw this.#connection.unexpected('it does not say what it has taken');
    if (location.protocol === 'http:' && this.#connection.baseUrl.startsWith('https:'))
      throw this.#connection.unexpected('the upload would go on without encryption');
    this.#taken = { location: location.href, sizeBytes: Number(last) + 1 };
  }

  /** Makes what was sent a blob of the repository. @returns false when the registry does not have all of it, or would not */
  async complete({ digest, size }: Descriptor): Promise<boolean> {
    const taken = this.#taken;
    if (taken === undefined || taken.sizeBytes !== size) return false;
    const url = new URL(taken.location);
    url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
    try {
      const response = await this.#connection.send(
        { url: url.href, method: 'PUT', headers: { 'content-length': '0' }, repeatable: false },
        this.#scopes(),
      );
      await response.discard();
      const announced = response.header('docker-content-digest');
      const isSame = announced === undefined || !isDigest(announced) || announced === digest;
      this.#taken = undefined;
      return response.status === 201 && isSame;
    } catch (thrown) {
      if (isFault(thrown)) return false;
      throw thrown;
    }
  }

  /** Tells the registry that nothing comes of it. */
  async giveUp(): Promise<void> {
    const taken = this.#taken;
    if (taken === undefined) return;
    this.#taken = undefined;
    const response = await this.#connection.send({ url: taken.location, method: 'DELETE' }, this.#scopes());
    await response.discard();
  }

  #scopes(): readonly string[] {
    return [scopeOf(this.#repository, 'pull', 'push')];
  }
}
