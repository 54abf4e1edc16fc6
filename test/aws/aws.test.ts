import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  ListImagesCommand,
  PutAccountSettingCommand,
} from '@aws-sdk/client-ecr';
import { BlobStore, fixedCredentials, pushImage, RegistryClient, type RepositoryClient } from '@mir/oci';
import { collect, noise, storeImage } from '../../packages/oci/test/registry-fixture.ts';
import { cleanupOf } from '../support/cleanup.ts';
import { temporaryFolder } from '../support/folder.ts';
import { run } from '../support/program.ts';
import type { RoleName } from './access.ts';
import { type Aws, startAws } from './aws.ts';
import { listed } from './granted-policies.ts';

const cleanup = cleanupOf({ after });
let aws: Aws;

before(async () => {
  aws = await startAws(cleanup);
  aws.usePolicies({ server: [listed(aws, 'server', 'ours')], builders: [listed(aws, 'builders', 'ours')] });
});

afterEach(() => {
  aws.allowAll();
  aws.setBlobMounting(false);
  aws.limitPutImage(undefined);
});

function ecrOf(role: RoleName, region = aws.region): ECRClient {
  const { accessKeyId, secretAccessKey } = aws.roles[role];
  const client = new ECRClient({
    endpoint: aws.controlEndpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  });
  cleanup(async () => client.destroy());
  return client;
}

async function passwordOf(role: RoleName): Promise<string> {
  const { authorizationData = [] } = await ecrOf(role).send(new GetAuthorizationTokenCommand({}));
  const [user, password = ''] = Buffer.from(authorizationData[0]?.authorizationToken ?? '', 'base64')
    .toString()
    .split(':');
  assert.equal(user, 'AWS');
  return password;
}

async function repositoryOf(role: RoleName, name: string): Promise<RepositoryClient> {
  const credentials = fixedCredentials(aws.registryHost, 'AWS', await passwordOf(role));
  const client = new RegistryClient({ registry: aws.registryHost, credentials });
  cleanup(() => client.close());
  return client.repository(name);
}

async function store(): Promise<BlobStore> {
  return await BlobStore.open(join(await temporaryFolder(cleanup), 'blobs'));
}

async function create(
  repositoryName: string,
  imageTagMutability: 'MUTABLE' | 'IMMUTABLE' = 'IMMUTABLE',
): Promise<void> {
  await ecrOf('server').send(new CreateRepositoryCommand({ repositoryName, imageTagMutability }));
}

test('an image that builders push is what the server is told of, and pulled through another host without credentials', async () => {
  await create('ours/one');
  const blobs = await store();
  const image = await storeImage(blobs);
  const repository = await repositoryOf('builders', 'ours/one');
  await pushImage(repository, image, blobs, { tags: ['v1'] });
  const [described] =
    (
      await ecrOf('server').send(
        new DescribeImagesCommand({ repositoryName: 'ours/one', imageIds: [{ imageTag: 'v1' }] }),
      )
    ).imageDetails ?? [];
  assert.equal(described?.imageDigest, image.digest);
  const sizeBytes = image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, image.manifest.config.size);
  assert.equal(described?.imageSizeInBytes, sizeBytes);
  const [layer] = image.layers;
  assert.ok(layer !== undefined);
  const pulled = await collect(repository.readBlob(layer.descriptor.digest));
  assert.equal(pulled.length, layer.descriptor.size);
  const raw = await fetch(`http://${aws.registryHost}/v2/ours/one/blobs/${layer.descriptor.digest}`, {
    headers: { authorization: `Basic ${Buffer.from(`AWS:${await passwordOf('builders')}`).toString('base64')}` },
    redirect: 'manual',
  });
  assert.equal(raw.status, 307);
  const location = raw.headers.get('location') ?? '';
  assert.notEqual(new URL(location).host, aws.registryHost);
  assert.equal((await fetch(location, { headers: { authorization: 'Basic eDp5' } })).status, 400);
  assert.equal((await fetch(`${location}0`)).status, 403, 'an address that nobody signed');
  await assert.rejects(
    pushAgain(repository, blobs),
    /400 \(TAG_INVALID: .*cannot be overwritten because the tag is immutable/,
  );
  await ecrOf('server').send(new DeleteRepositoryCommand({ repositoryName: 'ours/one', force: true }));
  await create('ours/one');
  assert.equal(await repository.headBlob(layer.descriptor.digest), undefined, 'nothing is left of the deleted one');
});

async function pushAgain(repository: RepositoryClient, blobs: BlobStore): Promise<void> {
  await pushImage(repository, await storeImage(blobs, 'two'), blobs, { tags: ['v1'] });
}

test('a role may do what its policies name, and below the prefix only; the refusal tells role, action and resource', async () => {
  const server = ecrOf('server');
  aws.forgetRecords();
  for (const repositoryName of ['theirs/one', 'oursx/one', 'ours']) {
    await assert.rejects(server.send(new CreateRepositoryCommand({ repositoryName })), {
      name: 'AccessDeniedException',
      message: new RegExp(
        `^User: arn:aws:sts::${aws.accountId}:assumed-role/mir-server/session is not authorized to perform: ecr:CreateRepository on resource: arn:aws:ecr:${aws.region}:${aws.accountId}:repository/${repositoryName} because no identity-based policy allows the ecr:CreateRepository action$`,
      ),
    });
  }
  assert.ok(aws.records.every(({ allowed }) => !allowed));
  await assert.rejects(server.send(new DescribeRepositoriesCommand({})), { name: 'AccessDeniedException' });
  assert.ok((await ecrOf('operator').send(new DescribeRepositoriesCommand({}))).repositories);
  await assert.rejects(ecrOf('builders').send(new CreateRepositoryCommand({ repositoryName: 'ours/two' })), {
    name: 'AccessDeniedException',
  });
  await create('ours/three');
  aws.deny('builders', 'ecr:InitiateLayerUpload');
  const upload = (await repositoryOf('builders', 'ours/three')).uploadBlob(descriptorOf(noise(10)), () =>
    stream(noise(10)),
  );
  await assert.rejects(
    upload,
    /403 \(DENIED: User: .*mir-builders.* is not authorized to perform: ecr:InitiateLayerUpload/,
  );
  aws.allowAll();
  const unknown = await repositoryOf('builders', 'ours/unknown');
  await assert.rejects(
    unknown.uploadBlob(descriptorOf(noise(10)), () => stream(noise(10)), { skipCheck: true }),
    /NAME_UNKNOWN/,
  );
});

test('credentials that are unknown, expired or of another region, rates and tokens: each is answered as AWS does', async () => {
  const server = ecrOf('server');
  aws.expire('server');
  await assert.rejects(server.send(new ListImagesCommand({ repositoryName: 'ours/x' })), {
    name: 'ExpiredTokenException',
  });
  aws.allowAll();
  aws.throttle('ecr:ListImages', 1);
  await assert.rejects(server.send(new ListImagesCommand({ repositoryName: 'ours/x' })), {
    name: 'ThrottlingException',
  });
  await assert.rejects(server.send(new ListImagesCommand({ repositoryName: 'ours/x' })), {
    name: 'RepositoryNotFoundException',
  });
  const stranger = new ECRClient({
    endpoint: aws.controlEndpoint,
    region: aws.region,
    credentials: { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'x' },
  });
  await assert.rejects(stranger.send(new ListImagesCommand({ repositoryName: 'ours/x' })), {
    name: 'UnrecognizedClientException',
  });
  stranger.destroy();
  const elsewhere = await ecrOf('operator', 'us-east-1').send(new GetAuthorizationTokenCommand({}));
  assert.equal(elsewhere.authorizationData?.[0]?.proxyEndpoint, 'https://123456789012.dkr.ecr.us-east-1.amazonaws.com');
  aws.refuseOtherRegions(true);
  await assert.rejects(ecrOf('operator', 'us-east-1').send(new GetAuthorizationTokenCommand({})), {
    name: 'InvalidSignatureException',
  });
  aws.refuseOtherRegions(false);
  const repository = await repositoryOf('builders', 'ours/x');
  aws.expireRegistryTokens();
  await assert.rejects(repository.getManifest('v1'), /403 \(DENIED: Your authorization token has expired/);
});

test('a KMS key needs permissions of its own, and so do tags', async () => {
  const request = new CreateRepositoryCommand({
    repositoryName: 'ours/sealed',
    encryptionConfiguration: { encryptionType: 'KMS' },
  });
  await assert.rejects(ecrOf('server').send(request), { name: 'KmsException', message: /kms:DescribeKey/ });
  aws.refuseKms(true);
  await assert.rejects(ecrOf('operator').send(request), { name: 'KmsException', message: /not accessible/ });
  aws.refuseKms(false);
  const tagged = new CreateRepositoryCommand({ repositoryName: 'ours/tagged', tags: [{ Key: 'a', Value: 'b' }] });
  await assert.rejects(ecrOf('server').send(tagged), { name: 'AccessDeniedException', message: /ecr:TagResource/ });
});

test('blobs are mounted only with the account setting, and only what a manifest of the source refers to', async () => {
  await create('ours/pool');
  await create('ours/target');
  const blobs = await store();
  const image = await storeImage(blobs);
  const [layer] = image.layers;
  assert.ok(layer !== undefined);
  const { descriptor } = layer;
  const pool = await repositoryOf('builders', 'ours/pool');
  const target = await repositoryOf('builders', 'ours/target');
  await pool.uploadBlob(descriptor, () => blobs.read(descriptor.digest));
  assert.equal(await target.mountBlob(descriptor.digest, 'ours/pool'), false, 'the setting is off');
  await ecrOf('operator').send(new PutAccountSettingCommand({ name: 'BLOB_MOUNTING', value: 'ENABLED' }));
  assert.equal(await target.mountBlob(descriptor.digest, 'ours/pool'), false, 'no manifest refers to it');
  await pushImage(pool, image, blobs, { tags: ['layers'] });
  assert.equal(await target.mountBlob(descriptor.digest, 'ours/pool'), true);
  aws.deny('builders', 'ecr:GetDownloadUrlForLayer');
  assert.equal(await target.mountBlob(descriptor.digest, 'ours/pool'), false, 'the source may not be read');
});

test('an upload in parts is taken without complaint and loses all parts but the first', async () => {
  await create('ours/parts');
  const authorization = `Basic ${Buffer.from(`AWS:${await passwordOf('builders')}`).toString('base64')}`;
  const base = `http://${aws.registryHost}`;
  const bytes = noise(3000);
  const begun = await fetch(`${base}/v2/ours/parts/blobs/uploads/`, { method: 'POST', headers: { authorization } });
  assert.equal(begun.status, 202);
  const place = new URL(begun.headers.get('location') ?? '', base).href;
  for (const part of [bytes.subarray(0, 1000), bytes.subarray(1000)]) {
    assert.equal((await fetch(place, { method: 'PATCH', headers: { authorization }, body: part })).status, 201);
  }
  const { digest } = descriptorOf(bytes);
  const ended = await fetch(`${place}?digest=${digest}`, { method: 'PUT', headers: { authorization } });
  assert.equal(ended.status, 400);
});

test('a cut upload is begun anew; the eleventh image of a second is refused, and a page of more than a thousand', async () => {
  await create('ours/fast', 'MUTABLE');
  const repository = await repositoryOf('builders', 'ours/fast');
  aws.cutUploads(1);
  const bytes = noise(100_000);
  assert.equal(await repository.uploadBlob(descriptorOf(bytes), () => stream(bytes)), 'uploaded');
  const blobs = await store();
  const image = await storeImage(blobs);
  await pushImage(repository, image, blobs, { tags: ['first'] });
  aws.limitPutImage(10);
  const authorization = `Basic ${Buffer.from(`AWS:${await passwordOf('builders')}`).toString('base64')}`;
  const { bytes: body, mediaType } = (await repository.getManifest('first')) ?? assert.fail('it was put');
  const put = async (tag: string) =>
    (
      await fetch(`http://${aws.registryHost}/v2/ours/fast/manifests/${tag}`, {
        method: 'PUT',
        headers: { authorization, 'content-type': mediaType },
        body: Buffer.from(body),
      })
    ).status;
  const statuses = await Promise.all(Array.from({ length: 12 }, (_, at) => put(`t${at}`)));
  assert.ok(statuses.filter((status) => status === 201).length >= 10, String(statuses));
  assert.ok(statuses.includes(429), String(statuses));
  const page = await fetch(`http://${aws.registryHost}/v2/ours/fast/tags/list?n=1001`, { headers: { authorization } });
  assert.equal(page.status, 403, 'builders may not list');
  const server = `Basic ${Buffer.from(`AWS:${await passwordOf('server')}`).toString('base64')}`;
  const list = (n: number) =>
    fetch(`http://${aws.registryHost}/v2/ours/fast/tags/list?n=${n}`, { headers: { authorization: server } });
  assert.equal((await list(1001)).status, 400);
  assert.equal((await list(1000)).status, 200);
});

test('skopeo pushes to it and pulls from it', async () => {
  await create('ours/skopeo', 'MUTABLE');
  const blobs = await store();
  const image = await storeImage(blobs);
  await pushImage(await repositoryOf('builders', 'ours/skopeo'), image, blobs, { tags: ['ours'] });
  const place = (tag: string) => `docker://${aws.registryHost}/ours/skopeo:${tag}`;
  const password = `AWS:${await passwordOf('builders')}`;
  const options = [
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    '--src-creds',
    password,
    '--dest-creds',
    password,
  ];
  const copied = await run('skopeo', ['copy', ...options, place('ours'), place('theirs')]);
  assert.equal(copied.status, 0, copied.errors);
  const ids = (await ecrOf('server').send(new ListImagesCommand({ repositoryName: 'ours/skopeo' }))).imageIds ?? [];
  assert.deepEqual(ids.map(({ imageTag }) => imageTag).sort(), ['ours', 'theirs']);
});

function descriptorOf(bytes: Uint8Array) {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;
  return { mediaType: 'application/octet-stream', digest, size: bytes.length };
}

async function* stream(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
