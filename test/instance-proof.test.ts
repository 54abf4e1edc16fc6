import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import {
  type Ask,
  at,
  clientOf,
  endOfJob,
  keyBySigningIn,
  listAt,
  succeeding,
  textAt,
} from './support/instance-client.ts';
import { adminPassword, InstanceProcess } from './support/instance-process.ts';
import { pathWithoutBubblewrap } from './support/without-bubblewrap.ts';

const cleanup = cleanupOf({ after });
let instance: InstanceProcess;
let key = '';
const ask: Ask = clientOf(
  () => instance.url,
  () => key,
);

before(async () => {
  instance = new InstanceProcess(await warmHome(cleanup), cleanup, { MIR_PLATFORMS: 'linux/amd64' });
  await instance.start();
  key = await keyBySigningIn(instance.url, 'admin', adminPassword);
});

async function done(method: string, path: string, body: object): Promise<unknown> {
  const { data } = await succeeding(ask(method, path, { body }));
  return endOfJob(ask, textAt(data, 'job', 'jobId'));
}

async function versionOf(name: string, number: number): Promise<unknown> {
  return at((await succeeding(ask('GET', `/v1/images/${name}/versions/${number}`))).data, 'version');
}

test('READY is proven: a version says what was imported in its image, and how long that took', async () => {
  const job = await done('POST', '/v1/images', { name: 'proven', requirements: ['six==1.16.0', 'idna==3.7'] });
  assert.equal(at(job, 'status'), 'SUCCEEDED');
  const version = await versionOf('proven', 1);
  assert.deepEqual(at(version, 'probe'), { outcome: 'passed', note: null });
  const [report] = listAt(version, 'probes');
  const modules = listAt(report, 'packages').flatMap((one) => listAt(one, 'modules'));
  assert.deepEqual(modules.map((one) => [at(one, 'module'), at(one, 'outcome')]).sort(), [
    ['idna', 'imported'],
    ['six', 'imported'],
  ]);
  assert.ok(listAt(version, 'durations').some((one) => at(one, 'stage') === 'probe'));
  const listed = await succeeding(ask('GET', '/v1/search?name=proven'));
  assert.equal(at(listed.data, 'images', 0, 'probe', 'outcome'), 'passed');
});

test('a platform that this machine cannot run is said not to be proven, apart from the one that is', async () => {
  const own = process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64';
  const other = process.arch === 'x64' ? 'linux/arm64' : 'linux/amd64';
  const body = { name: 'both', requirements: ['six==1.16.0'], platforms: [own, other] };
  assert.equal(at(await done('POST', '/v1/images', body), 'status'), 'SUCCEEDED');
  const version = await versionOf('both', 1);
  assert.equal(at(version, 'probe', 'outcome'), 'not-probed');
  assert.match(textAt(version, 'probe', 'note'), new RegExp(`^${other} not probed: `));
  const outcomes = listAt(version, 'probes').map((one) => [at(one, 'platform'), at(one, 'outcome')]);
  assert.deepEqual(Object.fromEntries(outcomes), { [own]: 'passed', [other]: 'not-probed' });
});

test('an alteration that does not pass its probe fails, and the name stays on what works', async () => {
  await done('POST', '/v1/images', { name: 'careful', requirements: ['six==1.16.0'] });
  const smokeCommand = ['python', '-c', 'import six, sys; print("what it says"); sys.exit(3)'];
  const job = await done('PATCH', '/v1/images/careful', { smokeCommand });
  assert.equal(at(job, 'status'), 'FAILED');
  assert.match(textAt(job, 'failure', 'code'), /^probe\/smoke/);
  const image = at((await succeeding(ask('GET', '/v1/images/careful/details'))).data, 'image');
  assert.deepEqual([at(image, 'status'), at(image, 'version')], ['READY', 1]);
  const failed = await versionOf('careful', 2);
  assert.equal(at(failed, 'probe', 'outcome'), 'failed');
  assert.match(textAt(failed, 'probes', 0, 'smoke', 'output'), /what it says/);
  const mended = await done('PATCH', '/v1/images/careful', { smokeCommand: ['python', '-c', 'import six'] });
  assert.equal(at(mended, 'status'), 'SUCCEEDED');
});

test('where nothing may run, versions say that they were not probed; where it is required, they fail', async (t) => {
  const withoutSandbox = async (probe: string) => {
    const other = new InstanceProcess(await warmHome(cleanup), cleanup, {
      PATH: await pathWithoutBubblewrap(cleanup),
      MIR_SANDBOX_PROBE: probe,
      MIR_PLATFORMS: 'linux/amd64',
    });
    await other.start();
    const ownKey = await keyBySigningIn(other.url, 'admin', adminPassword);
    const asked = clientOf(
      () => other.url,
      () => ownKey,
    );
    const { data } = await succeeding(
      asked('POST', '/v1/images', { body: { name: 'fraud', requirements: ['six==1.16.0'] } }),
    );
    const job = await endOfJob(asked, textAt(data, 'job', 'jobId'));
    const image = at((await succeeding(asked('GET', '/v1/images/fraud/details'))).data, 'image');
    return { job, image };
  };
  await t.test('possible', async () => {
    const { job, image } = await withoutSandbox('where-possible');
    assert.equal(at(job, 'status'), 'SUCCEEDED');
    assert.equal(at(image, 'probe', 'outcome'), 'not-probed');
    assert.match(textAt(image, 'probe', 'note'), /bwrap/);
  });
  await t.test('required', async () => {
    const { job, image } = await withoutSandbox('required');
    assert.equal(at(job, 'failure', 'code'), 'probe/required');
    assert.equal(at(image, 'status'), 'FAILED');
  });
});
