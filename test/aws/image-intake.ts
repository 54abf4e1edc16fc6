import type { IncomingMessage, ServerResponse } from 'node:http';
import { isFault } from '@mir/core';
import { isDigest, parseManifest, type RepositoryStore } from '@mir/oci';
import { RegistryRefusal } from './aws-error.ts';
import type { DataPlaneOptions } from './data-plane.ts';
import type { KnownRepository } from './repository-book.ts';

type Intake = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly repository: KnownRepository;
  /** A tag or a digest. */
  readonly reference: string;
};

type Stored = Awaited<ReturnType<RepositoryStore['putManifest']>>;

/** Takes a manifest into the registry, and tells the control plane of it. */
export async function putImage(intake: Intake, options: DataPlaneOptions): Promise<void> {
  const { request, response, repository, reference } = intake;
  if (options.switches.putImageRate?.take() === false) {
    options.switches.imagesOverLimit += 1;
    throw new RegistryRefusal(429, 'TOOMANYREQUESTS', 'Rate exceeded');
  }
  const bytes = await bodyOf(request);
  const { repositories } = options;
  const tag = isDigest(reference) ? undefined : reference;
  const named = tag === undefined ? undefined : await repositories.resolve(repository.name, tag);
  if (tag !== undefined && named !== undefined && repository.isImmutable(tag)) {
    throw new RegistryRefusal(
      400,
      'TAG_INVALID',
      `The image tag '${tag}' already exists in the '${repository.name}' repository and cannot be overwritten because the tag is immutable.`,
    );
  }
  const stored = await store(bytes, intake, repositories);
  const manifest = parseManifest(stored.bytes, stored.mediaType);
  if (manifest.kind === 'image') {
    const { config, layers } = manifest.manifest;
    for (const { digest } of [config, ...layers]) repository.referred.add(digest);
  }
  if (stored.digest !== named) await tell(stored, tag, repository.name, options);
  response.writeHead(201, {
    location: `/v2/${repository.name}/manifests/${stored.digest}`,
    'docker-content-digest': stored.digest,
    'content-length': 0,
    ...(stored.subject !== undefined && { 'oci-subject': stored.subject }),
  });
  response.end();
}

async function store(
  bytes: Uint8Array,
  { request, repository, reference }: Intake,
  repositories: RepositoryStore,
): Promise<Stored> {
  const mediaType = request.headers['content-type'] ?? '';
  try {
    return await repositories.putManifest(repository.name, bytes, mediaType, {
      tags: isDigest(reference) ? [] : [reference],
      content: 'linked',
    });
  } catch (thrown) {
    if (isFault(thrown, 'manifest/missing-content')) {
      throw new RegistryRefusal(
        404,
        'BLOB_UNKNOWN',
        `Layers do not exist in repository with name '${repository.name}'`,
      );
    }
    if (isFault(thrown)) throw new RegistryRefusal(400, 'MANIFEST_INVALID', thrown.message);
    throw thrown;
  }
}

/** moto keeps what DescribeImages and ListImages give. A manifest that it has under no new tag is known to it already. */
async function tell(
  stored: Stored,
  tag: string | undefined,
  name: string,
  { moto, region }: DataPlaneOptions,
): Promise<void> {
  const input = {
    repositoryName: name,
    imageManifest: Buffer.from(stored.bytes).toString(),
    imageManifestMediaType: stored.mediaType,
    imageDigest: stored.digest,
    imageTag: tag,
  };
  if (tag === undefined) {
    const ids = { repositoryName: name, imageIds: [{ imageDigest: stored.digest }] };
    if ((await moto.ecr('DescribeImages', region, JSON.stringify(ids))).status === 200) return;
  }
  const { status, text } = await moto.ecr('PutImage', region, JSON.stringify(input));
  if (status !== 200) throw new Error(`moto does not take the image: ${text}`);
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
