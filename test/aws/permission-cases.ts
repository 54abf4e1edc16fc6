import { createHash, randomBytes } from 'node:crypto';
import { type Digest, RegistryClient, type RepositoryClient } from '@mir/oci';
import { collect } from '../../packages/oci/test/registry-fixture.ts';
import { explainEcr } from '../../packages/server/src/registry/ecr/ecr-fault.ts';
import type { EcrRole } from '../../packages/server/src/registry/ecr/permissions.ts';
import { type ImageRegistry, openImageRegistry } from '../../packages/server/src/registry/image-registry.ts';
import { readSettings } from '../../packages/server/src/settings.ts';
import { neverAsked } from './provenance.ts';

/** What the product does with one permission. */
export type PermissionCase = {
  readonly role: EcrRole;
  readonly action: string;
  /** What fails without it. */
  readonly operation: string;
  readonly act: (user: EcrUser) => Promise<unknown>;
};

/** ECR as one process of an instance uses it. */
export type EcrUser = AsyncDisposable & {
  readonly registry: ImageRegistry;
  readonly repository: RepositoryClient;
  /** The repository's path, and a layer and a tag in it. */
  readonly path: string;
  readonly layer: Digest;
};

/** What is there before. */
type Standing = { readonly host: string; readonly region: string; readonly path: string; readonly layer: Digest };

/** Opens ECR as a process of that role does, with what its profile of the AWS configuration gives. */
export function openEcr(role: EcrRole, { host, region, path, layer }: Standing): EcrUser {
  const settings = readSettings({
    MIR_REGISTRY_KIND: 'ecr',
    MIR_REGISTRY_HOST: host,
    MIR_REGISTRY_REGION: region,
    MIR_REGISTRY_BUILDERS_PROFILE: 'builders',
  });
  const registry = openImageRegistry({
    settings,
    role,
    buckets: undefined,
    poolPath: `${path}/pool`,
    repositories: () => Promise.reject(new Error('ECR has no files here')),
  });
  const client = new RegistryClient({
    registry: host,
    credentials: registry.builders.credentials,
    explain: explainEcr(role),
  });
  return {
    registry,
    repository: client.repository(path),
    path,
    layer,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await registry[Symbol.asyncDispose]();
    },
  };
}

/** Every permission of both roles, with something that needs it. */
export const permissionCases: readonly PermissionCase[] = [
  {
    role: 'server',
    action: 'ecr:GetAuthorizationToken',
    operation: 'signing in',
    act: ({ registry }) => registry.builders.credentials.credentials(registry.host ?? ''),
  },
  {
    role: 'server',
    action: 'ecr:CreateRepository',
    operation: 'making the repository of an image',
    act: ({ registry, path }) => registry.ensureRepository(`${path}-${unique()}`, neverAsked),
  },
  {
    role: 'server',
    action: 'ecr:PutLifecyclePolicy',
    operation: 'saying what expires in it',
    act: ({ registry, path }) => registry.setLifecycle(path, { trimmedTags: ['v1'] }),
  },
  {
    role: 'server',
    action: 'ecr:ListImages',
    operation: 'looking whether the layer pool is there',
    act: ({ registry, path }) => registry.isThere(path),
  },
  {
    role: 'server',
    action: 'ecr:DescribeImages',
    operation: 'comparing the registry with the database',
    act: ({ registry, path }) => registry.images(path),
  },
  {
    role: 'server',
    action: 'ecr:DeleteRepository',
    operation: 'removing an image',
    act: ({ registry, path }) => registry.removeRepository(`${path}-${unique()}`),
  },
  {
    role: 'builders',
    action: 'ecr:GetAuthorizationToken',
    operation: 'signing in',
    act: ({ registry }) => registry.builders.credentials.credentials(registry.host ?? ''),
  },
  {
    role: 'builders',
    action: 'ecr:BatchCheckLayerAvailability',
    operation: 'looking whether a layer is there',
    act: ({ repository, layer }) => repository.headBlob(layer),
  },
  {
    role: 'builders',
    action: 'ecr:BatchGetImage',
    operation: 'reading the manifest of an image',
    act: ({ repository }) => repository.getManifest('v1'),
  },
  {
    role: 'builders',
    action: 'ecr:BatchGetImage',
    operation: 'looking for the manifest of an image',
    act: ({ repository }) => repository.headManifest('v1'),
  },
  {
    role: 'builders',
    action: 'ecr:GetDownloadUrlForLayer',
    operation: 'reading a layer',
    act: ({ repository, layer }) => collect(repository.readBlob(layer)),
  },
  ...['ecr:InitiateLayerUpload', 'ecr:UploadLayerPart', 'ecr:CompleteLayerUpload'].map(
    (action): PermissionCase => ({
      role: 'builders',
      action,
      operation: 'pushing a layer',
      act: ({ repository }) => pushLayer(repository),
    }),
  ),
  {
    role: 'builders',
    action: 'ecr:PutImage',
    operation: 'pushing an image',
    act: async ({ repository }) => {
      const known = await repository.getManifest('v1');
      if (known !== undefined) await repository.putManifest(`v${unique()}`, known.bytes, known.mediaType);
    },
  },
];

async function pushLayer(repository: RepositoryClient): Promise<void> {
  const bytes = randomBytes(1000);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;
  await repository.uploadBlob(
    { mediaType: 'application/octet-stream', digest, size: bytes.length },
    async function* () {
      yield bytes;
    },
  );
}

function unique(): string {
  return randomBytes(4).toString('hex');
}
