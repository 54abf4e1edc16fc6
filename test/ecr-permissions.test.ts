import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { BlobStore, type Digest, pushImage } from '@mir/oci';
import { storeImage } from '../packages/oci/test/registry-fixture.ts';
import { ecrPermissions } from '../packages/server/src/registry/ecr/permissions.ts';
import { type Aws, startAws } from './aws/aws.ts';
import { grantPolicies } from './aws/granted-policies.ts';
import { openEcr, permissionCases } from './aws/permission-cases.ts';
import { neverAsked } from './aws/provenance.ts';
import { startTwoRoles } from './aws/two-roles.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import type { RunningInstance } from './support/instance.ts';
import { at, endOfJob, listAt, succeeding, textAt } from './support/instance-client.ts';

const cleanup = cleanupOf({ after });
const prefix = 'ml/managed-images';
let aws: Aws;
let instance: RunningInstance;
let grantedBy: string;

before(async () => {
  aws = await startAws(cleanup);
  aws.setBlobMounting(true);
  [grantedBy, instance] = await Promise.all([
    grantPolicies(aws, prefix, cleanup),
    startTwoRoles(aws, { prefix }, cleanup),
  ]);
});

afterEach(() => aws.allowAll());

const ask: RunningInstance['ask'] = (...request) => instance.ask(...request);

async function start(method: string, path: string, body: object = {}): Promise<string> {
  const { data } = await succeeding(ask(method, path, { body }));
  return textAt(data, 'job', 'jobId');
}

async function finish(job: string): Promise<void> {
  const end = await endOfJob(ask, job);
  assert.equal(at(end, 'status'), 'SUCCEEDED', JSON.stringify(end));
}

async function imageOf(name: string): Promise<unknown> {
  return at((await succeeding(ask('GET', `/v1/images/${name}/details`))).data, 'image');
}

const arnOf = (repository: string) => `arn:aws:ecr:${aws.region}:${aws.accountId}:repository/${prefix}/${repository}`;

test('everything that an instance does in ECR succeeds with the policies of the two roles, and nothing outside the prefix is touched', async (t) => {
  t.diagnostic(`the policies are made by ${grantedBy}`);
  aws.forgetRecords();
  await finish(await start('POST', '/v1/images', { name: 'fraud', requirements: ['six==1.16.0'] }));
  const first = await imageOf('fraud');
  assert.match(textAt(first, 'reference'), new RegExp(`^${aws.registryHost}/${prefix}/fraud[:@]`));
  await finish(await start('PATCH', '/v1/images/fraud', { requirements: ['six==1.16.0', 'idna==3.10'] }));
  await succeeding(ask('POST', '/v1/images/fraud/rollback', { body: { version: 1 } }));
  assert.equal(at(await imageOf('fraud'), 'digest'), at(first, 'digest'));
  await finish(await start('POST', '/v1/images/fraud/rebase', { base: 'debian:bookworm' }));
  const run = await succeeding(
    ask('POST', '/v1/test-runs', { body: { image: 'fraud', command: ['python', '-c', 'import six'] } }),
  );
  const id = textAt(run.data, 'run', 'id');
  await succeeding(ask('GET', `/v1/test-runs/${id}/events`));
  assert.equal(at((await succeeding(ask('GET', `/v1/test-runs/${id}`))).data, 'run', 'status'), 'SUCCEEDED');
  const removal = aws.nextRecord(({ action }) => action === 'ecr:DeleteRepository');
  await succeeding(ask('DELETE', '/v1/images/fraud'));
  assert.deepEqual([(await removal).resource, (await removal).allowed], [arnOf('fraud'), true]);
  const removed = listAt((await succeeding(ask('GET', '/v1/removed-images'))).data, 'images');
  const restored = await succeeding(ask('POST', `/v1/removed-images/${at(removed, 0, 'id')}/restore`));
  await finish(textAt(restored.data, 'job', 'jobId'));
  assert.equal(at(await imageOf('fraud'), 'digest'), at(first, 'digest'), 'restored to the same digest');
  const checked = await succeeding(ask('POST', '/v1/registry/check', { body: {} }));
  assert.deepEqual(at(checked.data, 'findings'), []);
  assertWithinPrefix();
});

/** Nobody was refused anything, and whatever was allowed stands in the lists, below the prefix. */
function assertWithinPrefix(): void {
  for (const { role, action, resource, allowed } of aws.records) {
    assert.ok(allowed, `${role} was refused ${action} on ${resource}`);
    assert.ok(role !== 'operator');
    const { account, repository } = ecrPermissions[role];
    if (resource === '*') assert.ok((account as readonly string[]).includes(action), action);
    else {
      assert.ok((repository as readonly string[]).includes(action), `${role} ${action}`);
      assert.ok(resource.startsWith(arnOf('')), resource);
    }
  }
  const used = [...new Set(aws.records.map(({ role, action }) => `${role} ${action}`))].sort();
  assert.ok(used.length > 8, String(used));
}

test('each permission taken away alone lets something fail, and the message names the permission and the role', async (t) => {
  const folder = await temporaryFolder(cleanup);
  const roles = (['server', 'builders'] as const).map((role) => {
    const { accessKeyId, secretAccessKey } = aws.roles[role];
    return `[${role}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  });
  await writeFile(join(folder, 'credentials'), roles.join('\n'));
  Object.assign(process.env, {
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_CONFIG_FILE: join(folder, 'none'),
    AWS_PROFILE: 'server',
    AWS_ENDPOINT_URL_ECR: aws.controlEndpoint,
  });
  const standing = { host: aws.registryHost, region: aws.region, path: `${prefix}/table`, layer: '' as Digest };
  const layer = await prepare(standing);
  const covered = new Set<string>();
  for (const { role, action, operation, act } of permissionCases) {
    covered.add(`${role} ${action}`);
    await t.test(`${role}: ${operation} needs ${action}`, async () => {
      await using whole = openEcr(role, { ...standing, layer });
      await act(whole);
      aws.deny(role, action);
      await using lessened = openEcr(role, { ...standing, layer });
      await assert.rejects(act(lessened), (thrown: Error & { code?: string }) => {
        assert.equal(thrown.code, 'ecr/denied', String(thrown));
        assert.match(thrown.message, new RegExp(`${action}\\b`));
        assert.match(thrown.message, role === 'server' ? /the server's role/i : /the builders' role/i);
        return true;
      });
      aws.allowAll();
    });
  }
  const listed = (['server', 'builders'] as const).flatMap((role) =>
    [...ecrPermissions[role].account, ...ecrPermissions[role].repository].map((action) => `${role} ${action}`),
  );
  assert.deepEqual([...covered].sort(), listed.sort(), 'every permission of the lists is needed for something');
});

/** A repository with an image in it; gives the digest of a layer. */
async function prepare(standing: Parameters<typeof openEcr>[1]): Promise<Digest> {
  await using server = openEcr('server', standing);
  await server.registry.ensureRepository(standing.path, neverAsked);
  const blobs = await BlobStore.open(join(await temporaryFolder(cleanup), 'blobs'));
  const image = await storeImage(blobs);
  await using builders = openEcr('builders', standing);
  await pushImage(builders.repository, image, blobs, { tags: ['v1'] });
  return image.layers[0]?.descriptor.digest ?? assert.fail('the image has a layer');
}

test('a build that a permission is missing for says which, and goes on when it is given', async () => {
  const cases = [
    ['server', 'ecr:CreateRepository'],
    ['builders', 'ecr:PutImage'],
  ] as const;
  for (const [index, [role, action]] of cases.entries()) {
    aws.deny(role, action);
    const job = await start('POST', '/v1/images', { name: `lacking-${index}`, requirements: ['six==1.16.0'] });
    await said(job, new RegExp(`may not ${action} on ${arnOf(`(?:lacking-${index}|0-layers)`)}`));
    aws.allowAll();
    await finish(job);
  }
});

/** Waits until the log of a job says something. */
async function said(job: string, pattern: RegExp): Promise<void> {
  const over = new AbortController();
  const headers = { 'rime-api-key': instance.administratorKey };
  const answer = await fetch(`${instance.url}/v1/jobs/${job}/events`, { headers, signal: over.signal });
  let text = '';
  for await (const piece of answer.body ?? []) {
    text += Buffer.from(piece).toString();
    if (pattern.test(text)) break;
  }
  over.abort();
  assert.match(text, pattern);
}

test('whoever asks for one image waits neither for the repositories nor for the builds of those who asked for twenty before', async () => {
  const requirements = ['six==1.16.0'];
  await succeeding(ask('POST', '/v1/workspaces', { body: { name: 'others' } }));
  const token = await succeeding(ask('POST', '/v1/api-tokens', { body: { workspace: 'others' } }));
  const key = textAt(token.data, 'secret');
  for (let one = 0; one < 20; one += 1) await start('POST', '/v1/images', { name: `line-${one}`, requirements });
  const { data } = await succeeding(ask('POST', '/v1/images', { key, body: { name: 'alone', requirements } }));
  await finish(textAt(data, 'job', 'jobId'));
  const made = aws.records.filter(({ action }) => action === 'ecr:CreateRepository').map(({ resource }) => resource);
  assert.ok(made.includes(arnOf('alone')));
  // A few are made in a second.
  assert.ok(!made.includes(arnOf('line-19')), made.join(' '));
});
