import { Fault } from '@mir/core';
import { digestOf, isDigest, parseDigest } from '../digest.ts';
import type { OciFaultCode } from '../fault.ts';
import { manifestLimitBytes } from '../image/manifest.ts';
import { mediaTypes } from '../media-types.ts';
import { requireTagOrDigest } from '../reference.ts';
import type { RepositoryStore } from '../repository-store.ts';
import { Refusal, sendEmpty, sendJson } from './answer.ts';
import { unsupportedMethod } from './blobs.ts';
import { type Exchange, pageOf, readBody } from './exchange.ts';

/** Manifests, tags and referrers over HTTP (distribution-spec, "Pulling manifests" to "Listing Referrers"). */
export class ManifestRoutes {
  #store: RepositoryStore;

  constructor(store: RepositoryStore) {
    this.#store = store;
  }

  async handleManifest(exchange: Exchange, repository: string, reference: string): Promise<void> {
    requireTagOrDigest(reference);
    switch (exchange.method) {
      case 'GET':
      case 'HEAD':
        return await this.#send(exchange, repository, reference);
      case 'PUT':
        return await this.#put(exchange, repository, reference);
      case 'DELETE':
        return await this.#delete(exchange, repository, reference);
      default:
        throw unsupportedMethod('GET, HEAD, PUT, DELETE');
    }
  }

  async handleTags(exchange: Exchange, repository: string): Promise<void> {
    if (exchange.method !== 'GET') throw unsupportedMethod('GET');
    if (!(await this.#store.exists(repository)))
      throw new Refusal(404, 'NAME_UNKNOWN', `There is no repository ${repository}`);
    const { page, next } = pageOf(await this.#store.tags(repository), exchange.query);
    sendJson(
      exchange.response,
      { name: repository, tags: page },
      next === undefined ? {} : { Link: `</v2/${repository}/tags/list?${next}>; rel="next"` },
    );
  }

  async handleCatalog(exchange: Exchange): Promise<void> {
    if (exchange.method !== 'GET') throw unsupportedMethod('GET');
    const { page, next } = pageOf(await this.#store.repositories(), exchange.query);
    sendJson(
      exchange.response,
      { repositories: page },
      next === undefined ? {} : { Link: `</v2/_catalog?${next}>; rel="next"` },
    );
  }

  async handleReferrers(exchange: Exchange, repository: string, subject: string): Promise<void> {
    if (exchange.method !== 'GET') throw unsupportedMethod('GET');
    const artifactType = exchange.query.get('artifactType') ?? undefined;
    const manifests = await this.#store.referrers(repository, parseDigest(subject), artifactType);
    sendJson(
      exchange.response,
      { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests },
      {
        'Content-Type': mediaTypes.ociIndex,
        ...(artifactType === undefined ? {} : { 'OCI-Filters-Applied': 'artifactType' }),
      },
    );
  }

  async #send(exchange: Exchange, repository: string, reference: string): Promise<void> {
    const stored = await this.#store.getManifest(repository, reference);
    if (stored === undefined) throw unknownManifest(repository, reference);
    exchange.response.writeHead(200, {
      'Content-Type': stored.mediaType,
      'Content-Length': stored.bytes.length,
      'Docker-Content-Digest': stored.digest,
      ETag: `"${stored.digest}"`,
    });
    exchange.response.end(exchange.method === 'HEAD' ? undefined : stored.bytes);
  }

  async #put(exchange: Exchange, repository: string, reference: string): Promise<void> {
    const mediaType = exchange.request.headers['content-type'];
    if (mediaType === undefined) throw new Refusal(400, 'MANIFEST_INVALID', 'A manifest needs a Content-Type');
    const bytes = await readBody(
      exchange.request,
      manifestLimitBytes,
      () => new Refusal(413, 'MANIFEST_INVALID', `A manifest may have at most ${manifestLimitBytes} bytes`),
    );
    if (isDigest(reference) && digestOf(bytes) !== reference) {
      throw new Refusal(400, 'DIGEST_INVALID', `The manifest has the digest ${digestOf(bytes)}, not ${reference}`);
    }
    const tags = isDigest(reference) ? exchange.query.getAll('tag') : [reference];
    const stored = await this.#store.putManifest(repository, bytes, mediaType, { tags, content: 'linked' });
    for (const tag of isDigest(reference) ? tags : []) exchange.response.appendHeader('OCI-Tag', tag);
    sendEmpty(exchange.response, 201, {
      Location: `/v2/${repository}/manifests/${stored.digest}`,
      'Docker-Content-Digest': stored.digest,
      ...(stored.subject === undefined ? {} : { 'OCI-Subject': stored.subject }),
    });
  }

  async #delete(exchange: Exchange, repository: string, reference: string): Promise<void> {
    const deleted = isDigest(reference)
      ? await this.#store.deleteManifest(repository, reference)
      : await this.#store.deleteTag(repository, reference);
    if (!deleted) throw unknownManifest(repository, reference);
    sendEmpty(exchange.response, 202);
  }
}

function unknownManifest(repository: string, reference: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('manifest/unknown', {
    what: `Repository ${repository} has no manifest ${reference}`,
    subject: reference,
    hint: 'List the tags of the repository.',
  });
}
