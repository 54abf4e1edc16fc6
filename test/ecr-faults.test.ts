import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { CreateRepositoryCommand, ECRClient, GetLifecyclePolicyCommand, PutImageCommand } from '@aws-sdk/client-ecr';
import { openRegistry } from '@mir/builder';
import { type Fault, isFault } from '@mir/core';
import { openDatabase } from '../packages/server/src/database/connection.ts';
import { migrations } from '../packages/server/src/database/migrations/migrations.ts';
import type { Tables } from '../packages/server/src/database/schema.ts';
import type { EcrRegistry } from '../packages/server/src/registry/ecr/ecr-registry.ts';
import { type ImageRegistry, openImageRegistry } from '../packages/server/src/registry/image-registry.ts';
import { TokenBuckets } from '../packages/server/src/registry/token-buckets.ts';
import { readSettings } from '../packages/server/src/settings.ts';
import { temporaryDatabase } from '../packages/server/test/database/temporary-database.ts';
import { type Aws, startAws } from './aws/aws.ts';
import { servePodRoles } from './aws/pod-roles.ts';
import { neverAsked, perhaps } from './aws/provenance.ts';
import { awsPrefix, useLeastPolicies } from './support/aws-instance.ts';
import { cleanupOf } from './support/cleanup.ts';

const cleanup = cleanupOf({ after });
const standing = { ...process.env };
let aws: Aws;

before(async () => {
  aws = await startAws(cleanup);
});

afterEach(() => {
  aws.allowAll();
  aws.refuseKms(false);
  aws.refuseOtherRegions(false);
  process.env = { ...standing };
});

/** The registry as a process with a role sees it. */
function registryOf(
  role: 'server' | 'builders',
  settings: NodeJS.ProcessEnv = {},
  variables: NodeJS.ProcessEnv = aws.environmentOf(role),
  buckets?: TokenBuckets,
): ImageRegistry {
  useLeastPolicies(aws);
  process.env = {
    ...standing,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    ...variables,
  };
  const registry = openImageRegistry({
    settings: readSettings({
      ...{ MIR_REGISTRY_KIND: 'ecr', MIR_REGISTRY_HOST: aws.registryHost, MIR_REGISTRY_REGION: aws.region },
      ...settings,
    }),
    role,
    buckets,
    poolPath: `${awsPrefix}/0-layers`,
    repositories: async () => assert.fail('nothing is looked for here'),
  });
  cleanup(async () => registry[Symbol.asyncDispose]());
  return registry;
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const thrown = await work.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(isFault(thrown), String(thrown));
  assert.ok(thrown.hint.length > 10);
  return thrown;
}

function operator(): ECRClient {
  const { accessKeyId, secretAccessKey } = aws.roles.operator;
  const client = new ECRClient({
    endpoint: aws.controlEndpoint,
    region: aws.region,
    credentials: { accessKeyId, secretAccessKey },
  });
  cleanup(async () => client.destroy());
  return client;
}

test('a process without credentials is told so, with what may be done', async () => {
  const fault = await faultOf(
    registryOf('server', {}, { AWS_ENDPOINT_URL_ECR: aws.controlEndpoint }).ensureRepository(
      `${awsPrefix}/a`,
      neverAsked,
    ),
  );
  assert.equal(fault.code, 'ecr/no-credentials');
  assert.match(`${fault.message} ${fault.hint}`, /the server's role.*AWS_PROFILE/s);
});

test('pods get the keys of their role by IRSA and by EKS Pod Identity, from what is in their environment', async () => {
  const pods = await servePodRoles(aws.roles, aws.region, cleanup);
  const endpoint = { AWS_ENDPOINT_URL_ECR: aws.controlEndpoint };
  for (const [name, way] of Object.entries(pods)) {
    const registry = registryOf('server', {}, { ...endpoint, ...way('server') });
    await registry.ensureRepository(`${awsPrefix}/${name.toLowerCase()}`, neverAsked);
    const last = aws.records.findLast(({ action }) => action === 'ecr:CreateRepository');
    assert.deepEqual([last?.role, last?.allowed], ['server', true], name);
    const other = registryOf('server', {}, { ...endpoint, ...way('builders') });
    assert.equal((await faultOf(other.ensureRepository(`${awsPrefix}/other`, neverAsked))).code, 'ecr/denied', name);
  }
});

test('credentials that have expired, or that nobody knows, are told apart', async () => {
  const registry = registryOf('server');
  aws.expire('server');
  assert.equal((await faultOf(registry.images(`${awsPrefix}/a`))).code, 'ecr/expired-credentials');
  const variables = { ...aws.environmentOf('server'), AWS_ACCESS_KEY_ID: 'AKIANOBODY' };
  assert.equal(
    (await faultOf(registryOf('server', {}, variables).images(`${awsPrefix}/a`))).code,
    'ecr/refused-credentials',
  );
});

test('another region or account than that of the registry is found out', async () => {
  aws.refuseOtherRegions(true);
  const elsewhere = await faultOf(registryOf('server', { MIR_REGISTRY_REGION: 'eu-west-3' }).images(`${awsPrefix}/a`));
  assert.equal(elsewhere.code, 'ecr/refused-credentials');
  assert.match(elsewhere.hint, /registry\.region/);
  assert.throws(
    () =>
      registryOf('server', {
        MIR_REGISTRY_HOST: '123456789012.dkr.ecr.eu-west-3.amazonaws.com',
        MIR_REGISTRY_REGION: 'eu-central-1',
      }),
    /registry\.region.*"eu-central-1".*"eu-west-3"/,
  );
});

test('credentials of another account than that of the registry are not shown to it', async () => {
  const host = '999999999999.dkr.ecr.eu-central-1.amazonaws.com';
  const variables = { ...aws.environmentOf('builders'), AWS_ENDPOINT_URL_ECR: aws.motoEndpoint };
  const registry = registryOf('builders', { MIR_REGISTRY_HOST: host }, variables);
  const fault = await faultOf(registry.builders.credentials.credentials(host));
  assert.equal(fault.code, 'ecr/other-registry');
  assert.match(fault.message, /999999999999.*builders' role.*123456789012/);
});

test('a repository that is not ours is a fault, and nothing in it is touched', async () => {
  const path = `${awsPrefix}/theirs`;
  const client = operator();
  await client.send(new CreateRepositoryCommand({ repositoryName: path }));
  const registry = registryOf('server');
  aws.forgetRecords();
  const fault = await faultOf(registry.ensureRepository(path, neverAsked));
  assert.equal(fault.code, 'repository/not-ours');
  assert.match(fault.message, /rime-managed-images\/theirs.*has not made it/);
  assert.deepEqual(
    aws.records.map(({ action }) => action),
    ['ecr:CreateRepository'],
    'nothing else was asked',
  );
  // An answer may have been lost: one that is empty is ours then, one that holds something is not.
  await registry.ensureRepository(path, perhaps);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    layers: [],
  });
  const put = await client.send(new PutImageCommand({ repositoryName: path, imageManifest: manifest, imageTag: 'v1' }));
  assert.equal((await faultOf(registry.ensureRepository(path, perhaps))).code, 'repository/not-ours');
  // What was made and then not found is ours again only where something in it is: it may have been removed, and made by somebody else.
  const digest = put.image?.imageId?.imageDigest ?? '';
  const once = (digests: readonly string[]) => ({ asked: 'once', digests: new Set(digests) }) as const;
  assert.equal((await faultOf(registry.ensureRepository(path, once(['sha256:other'])))).code, 'repository/not-ours');
  await registry.ensureRepository(path, once(['sha256:other', digest]));
});

test('all processes hear of the first refusal for the rate, though it is asked again at once', async (t) => {
  const database = await openDatabase<Tables>({ embedded: await temporaryDatabase(migrations) });
  t.after(() => database.destroy());
  const registry = registryOf('server', {}, aws.environmentOf('server'), new TokenBuckets(database));
  aws.throttle('ecr:CreateRepository', 1);
  await registry.ensureRepository(`${awsPrefix}/busy`, neverAsked);
  const name = `${aws.registryHost} ecr:CreateRepository`;
  const bucket = await database.selectFrom('registry_buckets').where('name', '=', name).selectAll().executeTakeFirst();
  assert.ok(Number(bucket?.tokens) < 0, `${bucket?.tokens} turns are left`);
});

test('a tag that is pushed while a lifecycle policy is set does not go with the image that it names', async () => {
  const path = `${awsPrefix}/racing`;
  const client = operator();
  const put = (imageTag: string, layers = 0) =>
    client.send(
      new PutImageCommand({
        repositoryName: path,
        imageManifest: JSON.stringify({
          schemaVersion: 2,
          mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
          layers: Array.from({ length: layers }, () => ({ size: 1, digest: `sha256:${'0'.repeat(64)}` })),
        }),
        imageTag,
      }),
    );
  const registry = registryOf('server') as EcrRegistry;
  await client.send(new CreateRepositoryCommand({ repositoryName: path, imageTagMutability: 'MUTABLE' }));
  await put('v1');
  await put('v2', 1);
  const look = registry.images.bind(registry);
  let looks = 0;
  registry.images = async (asked) => {
    const stored = await look(asked);
    looks += 1;
    if (looks === 1) await put('v3');
    return stored;
  };
  assert.deepEqual(await registry.setLifecycle(path, { trimmedTags: ['v1', 'v2'] }), ['v2']);
  const policy = await client.send(new GetLifecyclePolicyCommand({ repositoryName: path }));
  assert.doesNotMatch(policy.lifecyclePolicyText ?? '', /"v1"/, 'v3 names the same image');
  assert.match(policy.lifecyclePolicyText ?? '', /"v2"/);
});

test('a KMS key that may not be used is told of, and no repository is left', async () => {
  const registry = registryOf('server', { MIR_REGISTRY_KMS_KEY: 'arn:aws:kms:eu-central-1:123456789012:key/none' });
  aws.refuseKms(true);
  const fault = await faultOf(registry.ensureRepository(`${awsPrefix}/sealed`, neverAsked));
  assert.equal(fault.code, 'ecr/kms');
  assert.match(fault.hint, /registry\.kms_key/);
  assert.equal(await registry.images(`${awsPrefix}/sealed`), undefined);
});

test('an endpoint that nothing listens at is no answer to whether there is a repository', async () => {
  const variables = { ...aws.environmentOf('server'), AWS_ENDPOINT_URL_ECR: 'http://127.0.0.1:9' };
  const fault = await faultOf(registryOf('server', {}, variables).images(`${awsPrefix}/a`));
  assert.equal(fault.code, 'ecr/unreachable');
});

test('a password of the registry is used until it is refused, and then renewed', async (t) => {
  await registryOf('server').ensureRepository(`${awsPrefix}/renewed`, neverAsked);
  const { builders } = registryOf('builders');
  const asked = () => aws.records.filter(({ action }) => action === 'ecr:GetAuthorizationToken').length;
  const client = openRegistry(aws.registryHost, { credentials: builders.credentials });
  cleanup(() => client.close());
  const repository = client.repository(`${awsPrefix}/renewed`);
  aws.forgetRecords();
  for (let count = 0; count < 3; count += 1) assert.equal(await repository.getManifest('v1'), undefined);
  assert.equal(asked(), 1, 'one password for all requests');
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 10_000 });
  aws.expireRegistryTokens();
  assert.equal(await repository.getManifest('v1'), undefined);
  assert.equal(asked(), 2);
});
