import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  ECRClient,
  PutImageCommand,
} from '@aws-sdk/client-ecr';
import { type Aws, startAws } from './aws/aws.ts';
import { awsPrefix, startAwsInstance, useLeastPolicies } from './support/aws-instance.ts';
import { publishBase } from './support/bases.ts';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import type { RunningInstance } from './support/instance.ts';
import { at, endOfJob, succeeding, textAt } from './support/instance-client.ts';
import { serveHome } from './support/registry.ts';

const cleanup = cleanupOf({ after });
let aws: Aws;
let instance: RunningInstance;
let bases: string;

before(async () => {
  aws = await startAws(cleanup);
  useLeastPolicies(aws);
  aws.setBlobMounting(true);
  const home = await warmHome(cleanup);
  await publishBase(home, 'newer', [{ path: 'etc/newer', text: 'the same Debian with a file more\n' }]);
  bases = await serveHome(home, cleanup);
  const environment = { MIR_LOG_LEVEL: 'error', MIR_SANDBOX_PROBE: 'off', MIR_BASE_REGISTRIES: bases };
  instance = await startAwsInstance(aws, cleanup, environment, home);
});

async function build(name: string, ...requirements: string[]): Promise<void> {
  const { data } = await succeeding(instance.ask('POST', '/v1/images', { body: { name, requirements } }));
  const end = await endOfJob(instance.ask, textAt(data, 'job', 'jobId'));
  assert.equal(at(end, 'status'), 'SUCCEEDED', JSON.stringify(end));
}

async function detailsOf(name: string): Promise<unknown> {
  return at((await succeeding(instance.ask('GET', `/v1/images/${name}/details`))).data, 'image');
}

function operator(): ECRClient {
  const { accessKeyId, secretAccessKey } = aws.roles.operator;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new ECRClient({ endpoint: aws.controlEndpoint, region: aws.region, credentials });
  cleanup(async () => client.destroy());
  return client;
}

type Finding = { readonly kind: string; readonly image: string; readonly repair: string | null };

async function check(repair: boolean): Promise<readonly Finding[]> {
  const { data } = await succeeding(instance.ask('POST', '/v1/registry/check', { body: { repair } }));
  return at(data, 'findings') as readonly Finding[];
}

/** Asks again until an answer is what is waited for. */
async function until<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
  }
}

test('images that are the same are put on another base with one upload of what is new, and a question in place of their layers', {
  timeout: 100_000,
}, async () => {
  const names = ['same-1', 'same-2', 'same-3', 'same-4', 'same-5', 'same-6', 'same-7', 'same-8'];
  for (const name of names) await build(name, 'six==1.16.0', 'idna==3.10');
  aws.forgetRecords();
  const body = { kind: 'base', from: 'debian:bookworm', to: `oci:${bases}/bases/debian:newer` };
  const { data } = await succeeding(instance.ask('POST', '/v1/updates', { body }));
  const path = `/v1/updates/${textAt(data, 'update', 'id')}`;
  const update = await until(async () => {
    const now = at((await succeeding(instance.ask('GET', path))).data, 'update');
    const ended = Number(at(now, 'images', 'ready')) + Number(at(now, 'images', 'failed'));
    return at(now, 'state') === 'APPLIED' && ended >= names.length ? now : undefined;
  });
  assert.equal(at(update, 'images', 'failed'), 0);
  const digests = await Promise.all(names.map(async (name) => at(await detailsOf(name), 'digest')));
  assert.equal(new Set(digests).size, 1);
  const into = (action: string) =>
    aws.records.filter((one) => one.action === action && one.allowed && !one.resource.endsWith('/0-layers'));
  assert.equal(into('ecr:PutImage').length, names.length);
  const uploaded = new Set(into('ecr:UploadLayerPart').map(({ resource }) => resource));
  assert.equal(uploaded.size, 1, 'only the first of them was sent anything');
  const perImage = into('ecr:InitiateLayerUpload').length / names.length;
  assert.ok(perImage < 6, `${perImage} mounts and uploads an image`);
});

test('a layer pool that was removed behind our back is made again before the next new image is built, and filled again', {
  timeout: 120_000,
}, async () => {
  const pool = { repositoryName: `${awsPrefix}/0-layers` };
  const held = async () =>
    ((await operator().send(new DescribeImagesCommand({ ...pool, maxResults: 1000 }))).imageDetails ?? []).length;
  assert.ok((await held()) > 0);
  await operator().send(new DeleteRepositoryCommand({ ...pool, force: true }));
  await build('after-the-pool', 'six==1.16.0', 'toml==0.10.2');
  await build('with-the-pool', 'six==1.16.0', 'toml==0.10.2', 'idna==3.10');
  assert.ok((await held()) > 0, 'what workers remembered of the old one is forgotten');
  aws.forgetRecords();
  await build('from-the-pool', 'six==1.16.0', 'zipp==3.19.2', 'idna==3.10');
  const mounted = aws.records.filter(
    ({ action, resource }) => action === 'ecr:GetDownloadUrlForLayer' && resource.endsWith('/0-layers'),
  );
  assert.ok(mounted.length > 0, 'layers are mounted from it');
});

test('a check says that the layer pool is gone, and makes it again when it is told to', {
  timeout: 60_000,
}, async () => {
  assert.deepEqual(await check(false), []);
  await operator().send(new DeleteRepositoryCommand({ repositoryName: `${awsPrefix}/0-layers`, force: true }));
  const found = await check(false);
  assert.deepEqual(
    found.map(({ kind, repair }) => [kind, repair]),
    [['pool-missing', null]],
  );
  const [repaired] = await check(true);
  assert.match(repaired?.repair ?? '', /made again/);
  assert.deepEqual(await check(false), []);
});

test('a repository that somebody else has made after ours was removed is neither repaired nor removed', {
  timeout: 60_000,
}, async () => {
  await build('replaced', 'six==1.16.0');
  const repositoryName = `${awsPrefix}/replaced`;
  await operator().send(new DeleteRepositoryCommand({ repositoryName, force: true }));
  await operator().send(new CreateRepositoryCommand({ repositoryName }));
  assert.deepEqual(
    (await check(false)).map(({ kind }) => kind),
    ['version-missing'],
    'an empty one is as good as our own',
  );
  const imageManifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    layers: [],
  });
  await operator().send(new PutImageCommand({ repositoryName, imageManifest, imageTag: 'theirs' }));
  aws.forgetRecords();
  const found = await check(true);
  assert.deepEqual(
    found.map(({ kind, image, repair }) => [kind, image, repair]),
    [['unsure', 'replaced', null]],
  );
  await succeeding(instance.ask('DELETE', '/v1/images/replaced'));
  await until(async () =>
    (await check(false)).some(({ kind, image }) => kind === 'unsure' && image === 'replaced') ? true : undefined,
  );
  const touched = aws.records.filter(({ resource }) => resource.endsWith('/replaced')).map(({ action }) => action);
  assert.deepEqual([...new Set(touched)], ['ecr:DescribeImages']);
});
