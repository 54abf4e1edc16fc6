import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { assertRefused, at, endOfJob, listAt, succeeding, textAt } from './support/instance-client.ts';

const cleanup = cleanupOf({ after });
const system = 'tabular-python3-11';
let instance: RunningInstance;
let types: string;

before(async () => {
  types = join(await temporaryFolder(cleanup), 'image-types.toml');
  await writeTypes('six==1.16.0');
  const environment = { MIR_PREWARM: 'true', MIR_IMAGE_TYPES: types };
  instance = await startInstance(await warmHome(cleanup), cleanup, environment);
});

/** The image types as an administrator may have them: small, and for one Python. */
async function writeTypes(...tabular: readonly string[]): Promise<void> {
  await writeFile(types, `pythons = ["3.11"]\n[tabular]\nrequirements = ${JSON.stringify(tabular)}\n`);
}

async function imageOf(name: string): Promise<unknown> {
  return at((await succeeding(instance.ask('GET', `/v1/images/${name}`))).data, 'image');
}

async function detailsOf(name: string): Promise<unknown> {
  return at((await succeeding(instance.ask('GET', `/v1/images/${name}/details`))).data, 'image');
}

/** Waits for the build of the latest version of an image. */
async function built(name: string): Promise<unknown> {
  const job = at(await detailsOf(name), 'latestVersion', 'jobId');
  return endOfJob(instance.ask, String(job));
}

async function create(name: string, ...requirements: string[]): Promise<unknown> {
  const body = { name, imageType: 'BASE_IMAGE_TYPE_TABULAR', requirements };
  await succeeding(instance.ask('POST', '/v1/images', { body }));
  return built(name);
}

test('each image type has a system image, built in the background, that nobody removes or alters', async () => {
  const job = await built(system);
  assert.deepEqual([at(job, 'status'), at(job, 'priority')], ['SUCCEEDED', 'prewarm']);
  const image = await imageOf(system);
  assert.deepEqual([at(image, 'roleType'), at(image, 'status')], ['ROLE_TYPE_SYSTEM', 'STATUS_READY']);
  for (const [method, path, body] of [
    ['DELETE', '', undefined],
    ['DELETE', '?force=true', undefined],
    ['PATCH', '', { requirements: ['idna'] }],
    ['POST', '/rebase', { base: 'debian:bookworm' }],
    ['POST', '/rollback', { version: 1 }],
  ] as const) {
    const answer = await instance.ask(method, `/v1/images/${system}${path}`, body === undefined ? {} : { body });
    assertRefused(answer, 400, /system image/);
  }
});

test('an image from a type holds what the type does, at the versions and with the layers of the system image', async () => {
  assert.equal(at(await create('from-type', 'six>=1.10', 'idna==3.7'), 'status'), 'SUCCEEDED');
  const image = await imageOf('from-type');
  assert.deepEqual(at(image, 'baseImage'), { name: system, referenceType: 'REFERENCE_TYPE_MANAGED' });
  assert.deepEqual(
    listAt(await imageOf(system), 'childImages').map((one) => at(one, 'name')),
    ['from-type'],
  );
  const libraries = listAt(image, 'pipLibraries').map((one) => `${at(one, 'name')} ${at(one, 'version')}`);
  assert.deepEqual([...libraries].sort(), ['idna 3.7', 'six 1.16.0']);
  const { data } = await succeeding(instance.ask('GET', `/v1/diff?from=${system}&to=from-type`));
  assert.ok(Number(at(data, 'diff', 'layers', 'shared', 'count')) > 0);
  assert.deepEqual(
    listAt(data, 'diff', 'packages').map((one) => [at(one, 'name'), at(one, 'change')]),
    [['idna', 'added']],
  );
});

test('what contradicts the type of an image is told as a conflict, with both sides', async () => {
  const job = await create('against-type', 'six==1.15.0');
  assert.equal(at(job, 'status'), 'FAILED');
  assert.match(textAt(job, 'failure', 'what'), /1\.15\.0[\s\S]*1\.16\.0|1\.16\.0[\s\S]*1\.15\.0/);
});

test('a type that an administrator has changed gives its system image a new version with the next start', async () => {
  await instance.process.stop();
  await writeTypes('six==1.16.0', 'idna==3.7');
  await instance.process.start();
  assert.equal(at(await built(system), 'status'), 'SUCCEEDED');
  const details = await detailsOf(system);
  assert.equal(at(details, 'version'), 2);
  assert.deepEqual(at(details, 'latestVersion', 'reasons'), [{ kind: 'REQUIREMENTS', subject: 'idna', new: '==3.7' }]);
  // The images made from it stay what they are.
  assert.equal(at(await detailsOf('from-type'), 'version'), 1);
});
