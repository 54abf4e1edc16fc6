import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Aws, startAws } from './aws/aws.ts';
import { startAwsInstance, useLeastPolicies } from './support/aws-instance.ts';
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

/** Asks again until an answer is what is waited for. */
async function until<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
  }
}

test('images that are the same are put on another base with one upload of what is new, and a question in place of their layers', {
  timeout: 300_000,
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
