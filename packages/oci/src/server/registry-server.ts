import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isFault } from '@mir/core';
import { requireRepositoryName } from '../reference.ts';
import type { RepositoryStore } from '../repository-store.ts';
import { type AccessCheck, basicCredentials } from './account-check.ts';
import { Refusal, refusalOf, sendError, sendJson } from './answer.ts';
import { BlobRoutes } from './blobs.ts';
import type { Exchange } from './exchange.ts';
import { ManifestRoutes } from './manifests.ts';
import { UploadSessions } from './upload-sessions.ts';

export { type AccessCheck, accountCheck } from './account-check.ts';

/** What a registry server needs. */
export type RegistryServerOptions = {
  readonly repositories: RepositoryStore;
  /** Who may do what. Without it everybody may read and write: listen on loopback only then. */
  readonly access?: AccessCheck;
  /** Told about faults of the server itself, which clients see as a bare 500. */
  readonly onError?: (thrown: unknown) => void;
};

/**
 * A registry as a listener for `node:http` or `node:https` servers: pull, push, content discovery and content management
 * of the OCI distribution spec 1.1. Blobs go from file to socket; manifests and tags are on disk when they are
 * acknowledged.
 */
export function createRegistryServer(options: RegistryServerOptions): RequestListener {
  const sessions = new UploadSessions(options.repositories);
  const routes = {
    blobs: new BlobRoutes(options.repositories, sessions),
    manifests: new ManifestRoutes(options.repositories),
  };
  return (request, response) => {
    answer(request, response, options, routes).catch((thrown: unknown) =>
      refuse(request, response, thrown, options.onError),
    );
  };
}

type Routes = { readonly blobs: BlobRoutes; readonly manifests: ManifestRoutes };

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: RegistryServerOptions,
  routes: Routes,
): Promise<void> {
  response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
  const url = new URL(request.url ?? '/', 'http://registry.invalid');
  if (options.access !== undefined) await requireAccess(request, url, options.access);
  const exchange = { request, response, method: request.method ?? 'GET', query: url.searchParams };
  await route(exchange, url.pathname, routes);
}

async function route(exchange: Exchange, path: string, { blobs, manifests }: Routes): Promise<void> {
  if (path === '/v2/' || path === '/v2') return sendJson(exchange.response, {});
  if (path === '/v2/_catalog') return await manifests.handleCatalog(exchange);
  const match =
    /^\/v2\/(.+)\/(?:manifests\/([^/]+)|blobs\/uploads\/([^/]*)|blobs\/([^/]+)|tags\/(list)|referrers\/([^/]+))$/.exec(
      path,
    );
  if (match === null) {
    const begin = /^\/v2\/(.+)\/blobs\/uploads$/.exec(path);
    if (begin !== null) return await blobs.handleBegin(exchange, requireRepositoryName(begin[1] ?? ''));
    throw new Refusal(404, 'UNSUPPORTED', 'There is nothing here');
  }
  const [, name = '', manifest, session, blob, list, subject] = match.map((part) =>
    part === undefined ? undefined : decoded(part),
  );
  const repository = requireRepositoryName(name);
  if (manifest !== undefined) return await manifests.handleManifest(exchange, repository, manifest);
  if (list !== undefined) return await manifests.handleTags(exchange, repository);
  if (subject !== undefined) return await manifests.handleReferrers(exchange, repository, subject);
  if (session === '' || blob === 'uploads') return await blobs.handleBegin(exchange, repository);
  if (session !== undefined) return await blobs.handleSession(exchange, repository, session);
  await blobs.handleBlob(exchange, repository, blob ?? '');
}

async function requireAccess(request: IncomingMessage, url: URL, check: AccessCheck): Promise<void> {
  const action = request.method === 'GET' || request.method === 'HEAD' ? 'pull' : 'push';
  const account = basicCredentials(request);
  const repository = repositoryOf(url.pathname);
  const address = request.socket.remoteAddress;
  const decisions = [await check(account, { action, repository, address })];
  // Mounting takes content out of another repository, so it reads there.
  const from = url.searchParams.get('from');
  if (action === 'push' && from !== null)
    decisions.push(await check(account, { action: 'pull', repository: from, address }));
  if (decisions.includes('unknown')) {
    throw new Refusal(401, 'UNAUTHORIZED', 'This registry needs a user name and a password', {
      'WWW-Authenticate': 'Basic realm="registry", charset="UTF-8"',
    });
  }
  if (decisions.includes('refused')) {
    throw new Refusal(403, 'DENIED', `This account may not ${action} ${repository ?? 'here'}`);
  }
}

/** The repository that a path is about; undefined for `/v2/` and the list of all. */
function repositoryOf(path: string): string | undefined {
  const [, name] = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)(?:\/|$)/.exec(path) ?? [];
  return name === undefined ? undefined : decoded(name);
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  thrown: unknown,
  onError: RegistryServerOptions['onError'],
): void {
  // A response has no socket of its own yet while the one before it on the connection is being sent.
  if (response.headersSent || request.socket.destroyed) {
    // The other side has gone, or half an answer is out: only breaking the connection tells the truth now.
    response.destroy();
    if (isFault(thrown, 'blob/damaged')) onError?.(thrown);
    return;
  }
  const refusal = refusalOf(thrown);
  for (const [name, value] of Object.entries(refusal?.headers ?? {})) response.setHeader(name, value);
  // What remains of a refused body is not worth receiving.
  if (!request.complete) response.setHeader('Connection', 'close');
  if (refusal === undefined) onError?.(thrown);
  sendError(
    response,
    refusal?.status ?? 500,
    refusal?.code ?? 'UNKNOWN',
    refusal?.message ?? 'The registry failed; see its log',
    request.method === 'HEAD',
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(400, 'NAME_INVALID', `"${part.slice(0, 100)}" is not well encoded`);
  }
}
