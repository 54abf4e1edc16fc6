import type { IncomingMessage } from 'node:http';

/** A request to the registry, and the actions of IAM that it amounts to. */
export type RegistryRequest = {
  readonly operation:
    | 'look for blob'
    | 'read blob'
    | 'begin upload'
    | 'look at upload'
    | 'send part'
    | 'finish upload'
    | 'read manifest'
    | 'put manifest'
    | 'delete manifest'
    | 'list tags';
  readonly repository: string;
  /** The digest, tag or upload. */
  readonly name: string;
  readonly query: URLSearchParams;
  readonly actions: readonly string[];
};

const routes: readonly (readonly [string, RegExp, RegistryRequest['operation'], readonly string[]])[] = [
  ['POST', /^\/v2\/(.+)\/blobs\/uploads\/?()$/, 'begin upload', ['ecr:InitiateLayerUpload']],
  ['GET', /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, 'look at upload', ['ecr:UploadLayerPart']],
  ['PATCH', /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, 'send part', ['ecr:UploadLayerPart']],
  ['PUT', /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, 'finish upload', ['ecr:UploadLayerPart', 'ecr:CompleteLayerUpload']],
  ['HEAD', /^\/v2\/(.+)\/blobs\/([^/]+)$/, 'look for blob', ['ecr:BatchCheckLayerAvailability']],
  ['GET', /^\/v2\/(.+)\/blobs\/([^/]+)$/, 'read blob', ['ecr:GetDownloadUrlForLayer']],
  ['HEAD', /^\/v2\/(.+)\/manifests\/([^/]+)$/, 'read manifest', ['ecr:BatchGetImage']],
  ['GET', /^\/v2\/(.+)\/manifests\/([^/]+)$/, 'read manifest', ['ecr:BatchGetImage']],
  ['PUT', /^\/v2\/(.+)\/manifests\/([^/]+)$/, 'put manifest', ['ecr:PutImage']],
  ['DELETE', /^\/v2\/(.+)\/manifests\/([^/]+)$/, 'delete manifest', ['ecr:BatchDeleteImage']],
  ['GET', /^\/v2\/(.+)\/tags\/list()$/, 'list tags', ['ecr:ListImages']],
];

/** What a request asks for; undefined for what ECR does not do. */
export function registryRequest(request: IncomingMessage): RegistryRequest | 'entrance' | undefined {
  const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://registry.invalid');
  if (pathname === '/v2/' || pathname === '/v2') return 'entrance';
  for (const [method, pattern, operation, actions] of routes) {
    const [, repository, name] = request.method === method ? (pattern.exec(pathname) ?? []) : [];
    if (repository === undefined || name === undefined) continue;
    // The last request of an upload in parts brings no part.
    const used =
      operation === 'finish upload' && request.headers['content-length'] === '0' ? actions.slice(1) : actions;
    return {
      operation,
      repository: decodeURIComponent(repository),
      name: decodeURIComponent(name),
      query,
      actions: used,
    };
  }
  return undefined;
}
