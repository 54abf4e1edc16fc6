import { createHash } from 'node:crypto';
import { Fault, isFault } from '@mir/core';
import { statusOf } from '@mir/http';
import { type ByteRange, unknownBlob } from '../blob-store.ts';
import { requireAsExpected } from '../blob-writer.ts';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, digestOf, hexOf, isDigest } from '../digest.ts';
import type { OciFaultCode } from '../fault.ts';
import { manifestLimitBytes, parseManifest, subjectOf } from '../image/manifest.ts';
import { isObject, whyNoDescriptor } from '../image/wire.ts';
import { manifestMediaTypes, mediaTypes } from '../media-types.ts';
import { referrerDescriptor } from '../repository-store.ts';
import { scopeOf } from './authorization.ts';
import type { RegistryConnection } from './registry-connection.ts';
import { StreamedUpload } from './streamed-upload.ts';
import { BlobUpload, type UploadOptions, type UploadOutcome } from './upload.ts';

export type { UploadOutcome } from './upload.ts';

/** A manifest as a registry gave it, its digest verified. */
export type FetchedManifest = { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array };

const listLimitBytes = 32 * 1024 * 1024;
const pageSize = 1000; // larger pages are an error for some registries

/** One repository of a registry. Nothing read through it is taken on trust: digests and sizes are verified. */
export class RepositoryClient {
  readonly name: string;
  #connection: RegistryConnection;

  constructor(connection: RegistryConnection, name: string) {
    this.#connection = connection;
    this.name = name;
  }

  get registry(): string {
    return this.#connection.registry;
  }

  /** The size of a blob, or undefined when the repository does not have it. "Cannot tell" is a fault, never "no". */
  async headBlob(digest: Digest): Promise<number | undefined> {
    const response = await this.#connection.send(
      { url: this.#path(`blobs/${digest}`), method: 'HEAD' },
      this.#pull(),
      'look-for-blob',
    );
    await response.discard();
    if (response.status === 404) return undefined;
    if (response.status !== 200)
      throw await this.#connection.refusal(response, `look for blob ${digest}`, 'look-for-blob');
    const sizeBytes = Number(response.header('content-length') ?? Number.NaN);
    if (!Number.isSafeInteger(sizeBytes))
      throw this.#connection.unexpected(`it does not tell the size of blob ${digest}`);
    return sizeBytes;
  }

  /**
   * The content of a blob. Resumes when the connection breaks; a whole blob is verified against its digest, and the last
   * bytes come only when it was true.
   * @throws Fault `blob/unknown`, `blob/digest-mismatch`, and HTTP's
   */
  async *readBlob(digest: Digest, range?: ByteRange): AsyncIterable<Uint8Array> {
    const options = range === undefined ? {} : { range };
    const download = await this.#connection
      .download(this.#path(`blobs/${digest}`), options, this.#pull())
      .catch((thrown: unknown) => {
        const status = isFault(thrown, 'http/status') ? statusOf(thrown) : undefined;
        if (status === undefined) throw thrown;
        throw status === 404
          ? unknownBlob(digest)
          : (this.#connection.explained(status, `give blob ${digest}`, 'read-blob') ?? thrown);
      });
    if (range !== undefined) {
      yield* download.chunks;
      return;
    }
    const hash = createHash('sha256');
    let sizeBytes = 0;
    // One chunk is held back, so that nobody can take a forged blob for a finished one.
    let held: Uint8Array | undefined;
    for await (const chunk of download.chunks) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      if (held !== undefined) yield held;
      held = chunk;
    }
    requireAsExpected({ digest: `sha256:${hash.digest('hex')}`, sizeBytes }, { digest });
    if (held !== undefined) yield held;
  }

  /** Makes a blob of another repository of the same registry part of this one. @returns false when the registry would not */
  async mountBlob(digest: Digest, from: string): Promise<boolean> {
    return await this.#upload().mount(digest, from);
  }

  /**
   * Brings a blob into the repository: not at all when it is there, by a mount where one works, else by one streamed
   * request. `open` is called anew when the connection is cut.
   */
  async uploadBlob(
    descriptor: Descriptor,
    open: () => AsyncIterable<Uint8Array>,
    options: UploadOptions = {},
  ): Promise<UploadOutcome> {
    // Of another size it is another blob, whatever the registry calls it.
    if (options.skipCheck !== true && (await this.headBlob(descriptor.digest)) === descriptor.size) return 'present';
    return await this.#upload().bring(descriptor, open, options);
  }

  /** An upload of a blob that is still being written. */
  streamBlob(): StreamedUpload {
    return new StreamedUpload(this.#connection, this.name, (digest) => this.headBlob(digest));
  }

  /** The manifest that a tag or digest names, or undefined. @throws Fault `blob/digest-mismatch` when it is another one */
  async getManifest(reference: string): Promise<FetchedManifest | undefined> {
    const response = await this.#connection.send(
      { url: this.#path(`manifests/${reference}`), headers: { accept: manifestMediaTypes.join(', ') } },
      this.#pull(),
      'read-manifest',
    );
    if (response.status === 404) {
      await response.discard();
      return undefined;
    }
    if (response.status !== 200)
      throw await this.#connection.refusal(response, `give manifest ${reference}`, 'read-manifest');
    const bytes = await response.bytes(manifestLimitBytes);
    const digest = digestOf(bytes);
    const announced = response.header('docker-content-digest');
    for (const expected of [reference, announced]) {
      if (expected !== undefined && isDigest(expected))
        requireAsExpected({ digest, sizeBytes: bytes.length }, { digest: expected });
    }
    const mediaType = response.header('content-type')?.split(';')[0]?.trim();
    return {
      digest,
      bytes,
      mediaType: parseManifest(bytes, isManifestType(mediaType) ? mediaType : undefined).mediaType,
    };
  }

  /** The digest that a tag names, or undefined, for the price of a HEAD where the registry tells it. */
  async headManifest(reference: string): Promise<Digest | undefined> {
    const response = await this.#connection.send(
      { url: this.#path(`manifests/${reference}`), method: 'HEAD', headers: { accept: manifestMediaTypes.join(', ') } },
      this.#pull(),
      'read-manifest',
    );
    await response.discard();
    if (response.status === 404) return undefined;
    if (response.status !== 200)
      throw await this.#connection.refusal(response, `look for manifest ${reference}`, 'read-manifest');
    const digest = response.header('docker-content-digest') ?? '';
    return isDigest(digest) ? digest : (await this.getManifest(reference))?.digest;
  }

  /**
   * Puts a manifest under a tag or its digest. Where the registry has no referrers API, the referrers tag of its subject
   * is kept up (distribution-spec 1.1, "Referrers Tag Schema").
   */
  async putManifest(reference: string, bytes: Uint8Array, mediaType: string): Promise<Digest> {
    const digest = digestOf(bytes);
    const manifest = parseManifest(bytes, mediaType);
    const response = await this.#connection.send(
      {
        url: this.#path(`manifests/${reference}`),
        method: 'PUT',
        repeatable: true,
        body: bytes,
        headers: { 'content-type': mediaType },
      },
      this.#push(),
      'put-manifest',
    );
    if (response.status !== 201 && response.status !== 200 && response.status !== 202)
      return await this.#requireStanding(
        reference,
        digest,
        await this.#connection.refusal(response, `take manifest ${reference} of ${this.name}`, 'put-manifest'),
      );
    await response.discard();
    const announced = response.header('docker-content-digest');
    if (announced !== undefined && isDigest(announced))
      requireAsExpected({ digest: announced, sizeBytes: bytes.length }, { digest });
    const subject = subjectOf(manifest);
    if (subject !== undefined && response.header('oci-subject') === undefined) {
      await this.#addToReferrersTag(subject.digest, referrerDescriptor(manifest, digest, bytes.length));
    }
    return digest;
  }

  /** A tag that may not move is no hindrance where it names the very manifest. @throws the refusal otherwise */
  async #requireStanding(reference: string, digest: Digest, refusal: Fault): Promise<Digest> {
    if (isFault(refusal, 'repository/tag-immutable') && (await this.headManifest(reference)) === digest) return digest;
    throw refusal;
  }

  /** All tags, page by page (distribution-spec, "Listing Tags"). None when the repository does not exist. */
  async tags(): Promise<readonly string[]> {
    const tags: string[] = [];
    const seen = new Set<string>();
    for (let path: string | undefined = this.#path(`tags/list?n=${pageSize}`); path !== undefined; ) {
      if (seen.has(path))
        throw this.#connection.unexpected('its list of tags leads back to a page that was read already');
      seen.add(path);
      const response = await this.#connection.send({ url: path }, this.#pull(), 'list-tags');
      if (response.status === 404) {
        await response.discard();
        return [];
      }
      if (response.status !== 200)
        throw await this.#connection.refusal(response, `list the tags of ${this.name}`, 'list-tags');
      const answer = await this.#json(await response.text(listLimitBytes));
      const page = answer['tags'];
      // null is how some registries write an empty list
      if (page !== null && !(Array.isArray(page) && page.every((tag) => typeof tag === 'string')))
        throw this.#connection.unexpected('its list of tags is none');
      tags.push(...((page ?? []) as readonly string[]));
      path = nextPage(response.header('link'), response.url);
    }
    return tags;
  }

  /** Removes a manifest, or only a tag, from the repository. @returns whether it was there */
  async deleteManifest(reference: string): Promise<boolean> {
    const response = await this.#connection.send(
      { url: this.#path(`manifests/${reference}`), method: 'DELETE', repeatable: true },
      [scopeOf(this.name, 'delete')],
      'delete-manifest',
    );
    if (response.status === 404) {
      await response.discard();
      return false;
    }
    if (response.status !== 202 && response.status !== 200)
      throw await this.#connection.refusal(response, `remove ${reference} from ${this.name}`, 'delete-manifest');
    await response.discard();
    return true;
  }

  /** What refers to a manifest: from the referrers API, or from the referrers tag where there is none. */
  async referrers(digest: Digest, artifactType?: string): Promise<readonly Descriptor[]> {
    const filter = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
    const response = await this.#connection.send(
      { url: this.#path(`referrers/${digest}${filter}`) },
      this.#pull(),
      'read-manifest',
    );
    let found: readonly Descriptor[];
    if (response.status === 404) {
      await response.discard();
      found = await this.#taggedReferrers(digest);
    } else {
      if (response.status !== 200)
        throw await this.#connection.refusal(response, `list what refers to ${digest}`, 'read-manifest');
      const manifests: unknown = (await this.#json(await response.text(listLimitBytes)))['manifests'];
      if (!Array.isArray(manifests) || manifests.some((entry) => whyNoDescriptor(entry) !== undefined))
        throw this.#connection.unexpected('its list of referrers is none');
      found = manifests as readonly Descriptor[];
    }
    return artifactType === undefined ? found : found.filter((descriptor) => descriptor.artifactType === artifactType);
  }

  async #taggedReferrers(subject: Digest): Promise<readonly Descriptor[]> {
    const tagged = await this.getManifest(referrersTag(subject));
    const parsed = tagged === undefined ? undefined : parseManifest(tagged.bytes, tagged.mediaType);
    return parsed?.kind === 'index' ? parsed.index.manifests : [];
  }

  async #addToReferrersTag(subject: Digest, referrer: Descriptor): Promise<void> {
    const known = await this.#taggedReferrers(subject);
    if (known.some(({ digest }) => digest === referrer.digest)) return;
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [...known, referrer] };
    await this.putManifest(referrersTag(subject), Buffer.from(JSON.stringify(index)), mediaTypes.ociIndex);
  }

  async #json(text: string): Promise<Readonly<Record<string, unknown>>> {
    try {
      const parsed: unknown = JSON.parse(text);
      if (isObject(parsed)) return parsed;
    } catch {
      // Said below.
    }
    throw this.#connection.unexpected('it is not a JSON object');
  }

  #upload(): BlobUpload {
    return new BlobUpload(this.#connection, this.name);
  }
  #path(rest: string): string {
    return `/v2/${this.name}/${rest}`;
  }
  #pull(): readonly string[] {
    return [scopeOf(this.name, 'pull')];
  }
  #push(): readonly string[] {
    return [scopeOf(this.name, 'pull', 'push')];
  }
}

/** The tag that stands in for the referrers API. */
function referrersTag(subject: Digest): string {
  return `sha256-${hexOf(subject)}`;
}

function isManifestType(mediaType: string | undefined): boolean {
  // Anything else (application/json, text/plain) comes from servers that do not know; the bytes tell then.
  return (
    mediaType !== undefined && (manifestMediaTypes.includes(mediaType) || mediaType.startsWith('application/vnd.'))
  );
}

/** The target of `rel="next"` in a Link header (RFC 8288), never away from the registry. */
function nextPage(link: string | undefined, from: string): string | undefined {
  const match = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link ?? '');
  if (match === null) return undefined;
  const next = URL.parse(match[1] ?? '', from);
  if (next === null || next.origin === 'null') return undefined;
  if (next.origin !== new URL(from).origin) {
    throw new Fault<OciFaultCode>('registry/unexpected-answer', {
      what: `The list of tags goes on at another host (${next.host})`,
      subject: next.host,
      hint: 'Check that nothing on the way alters the registry’s answers.',
    });
  }
  return next.href;
}
