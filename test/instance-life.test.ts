import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { copyHome, warmHome } from './support/home.ts';
import { startInstance } from './support/instance.ts';
import {
  type Ask,
  assertRefused,
  at,
  clientOf,
  endOfJob,
  listAt,
  succeeding,
  textAt,
} from './support/instance-client.ts';
import { InstanceProcess } from './support/instance-process.ts';
import { mir } from './support/mir.ts';

const cleanup = cleanupOf({ after });
let instance: InstanceProcess;
let ask: Ask;
let key = '';
let template: string;

before(async () => {
  template = await warmHome(cleanup);
  const started = await startInstance(await copyHome(template, cleanup), cleanup);
  ({ process: instance, ask, administratorKey: key } = started);
});

async function create(name: string, ...requirements: string[]): Promise<string> {
  const { data } = await succeeding(ask('POST', '/v1/images', { body: { name, requirements } }));
  return textAt(data, 'job', 'jobId');
}

/** Waits until a worker has begun a job: the first line of its log. */
async function begun(job: string): Promise<void> {
  const over = new AbortController();
  const answer = await fetch(`${instance.url}/v1/jobs/${job}/events`, {
    headers: { 'rime-api-key': key },
    signal: over.signal,
  });
  let text = '';
  for await (const piece of answer.body ?? []) {
    text += Buffer.from(piece).toString();
    if (text.includes('event: log')) break;
  }
  over.abort();
  assert.match(text, /event: log/);
}

async function imageOf(name: string): Promise<unknown> {
  return at((await succeeding(ask('GET', `/v1/images/${name}/details`))).data, 'image');
}

async function versionsOf(name: string): Promise<readonly unknown[]> {
  return listAt((await succeeding(ask('GET', `/v1/images/${name}/versions`))).data, 'versions');
}

test('a build whose worker is killed with -9 is taken up again, and gives one version', async () => {
  const job = await create('worker-killed', 'pygments==2.18.0');
  await begun(job);
  assert.equal(await instance.killWorkers(), 1);
  const killedAt = performance.now();
  const details = await endOfJob(ask, job);
  assert.ok(performance.now() - killedAt < 25_000, 'sooner than its lease of half a minute runs out');
  assert.deepEqual([at(details, 'status'), at(details, 'attempts')], ['SUCCEEDED', 2]);
  const versions = await versionsOf('worker-killed');
  assert.deepEqual(
    versions.map((one) => at(one, 'state')),
    ['READY'],
  );
  const log = (await succeeding(ask('GET', '/v1/images/worker-killed/versions/1/logs'))).text;
  assert.match(
    log,
    /Building for[\s\S]*Attempt 2\. Building for[\s\S]*The image is/,
    'the log of both attempts is kept',
  );
  assert.equal(log.match(/The image is sha256/g)?.length, 1);
});

test('a server that is killed with -9 comes back with everything that it acknowledged', async () => {
  const acknowledged: string[] = [];
  for (let count = 1; count <= 5; count += 1) {
    await create(`kept-${count}`, 'six==1.16.0');
    acknowledged.push(`kept-${count}`);
  }
  await succeeding(ask('DELETE', '/v1/images/kept-1'));
  await instance.killServer();
  await instance.start();
  for (const name of acknowledged.slice(1)) {
    const image = await imageOf(name);
    const job = at(image, 'latestVersion', 'jobId');
    await endOfJob(ask, String(job));
    assert.equal(at(await imageOf(name), 'status'), 'READY');
    assert.equal((await versionsOf(name)).length, 1);
  }
  assertRefused(await ask('GET', '/v1/images/kept-1'), 404);
});

test('the database may be killed with -9 under a server: it says 503 for a while, and goes on', async () => {
  assert.ok(await instance.killDatabase());
  const name = 'after-the-database';
  for (const deadline = performance.now() + 20_000; ; ) {
    const answer = await ask('POST', '/v1/images', { body: { name, requirements: ['six==1.16.0'] } });
    // What was asked for in the very moment may have been done although nobody could say so.
    if (answer.status === 200 || answer.status === 409) break;
    assertRefused(answer, 503);
    assert.ok(performance.now() < deadline, answer.text);
  }
  assert.equal((await ask('GET', '/readyz')).status, 200);
  const job = textAt(await imageOf(name), 'latestVersion', 'jobId');
  assert.equal(at(await endOfJob(ask, job), 'status'), 'SUCCEEDED');
});

test('a server that is told to stop ends what is nearly done or hands it back: it is done once, if need be after the next start', async () => {
  const job = await create('handed-back', 'sqlalchemy==2.0.30');
  await begun(job);
  assert.equal(await instance.stop(), 0);
  await instance.start();
  const details = await endOfJob(ask, job);
  assert.equal(at(details, 'status'), 'SUCCEEDED');
  assert.equal((await versionsOf('handed-back')).length, 1);
});

test('a platform release is previewed, applied, and taken back', async () => {
  const declaration = { kind: 'platform', label: '2026.11', requirements: ['idna==3.7'] };
  const preview = await succeeding(ask('POST', '/v1/updates/preview', { body: declaration }));
  const count = Number(at(preview.data, 'counts', 'rebuild'));
  assert.ok(count >= 6, preview.text);
  const lacks = [{ requirement: 'idna==3.7', installed: null }];
  assert.deepEqual(at(previewed(preview.data, 'kept-2'), 'missing'), lacks);
  const wanted = { kind: 'PLATFORM', subject: 'idna', new: '==3.7' };
  assert.deepEqual(at(preview.data, 'requirements'), [wanted]);
  const before = await imageOf('kept-2');
  const applied = await succeeding(ask('POST', '/v1/updates', { body: declaration }));
  const id = textAt(applied.data, 'update', 'id');
  const done = await updateOver(id);
  assert.deepEqual(at(done, 'images'), { total: count, ready: count, failed: 0, cancelled: 0, underWay: 0 });
  const carried = await imageOf('kept-2');
  assert.match(textAt(carried, 'reference'), /:2026\.11-v2$|@sha256:/);
  assert.equal(at(carried, 'version'), 2);
  const [latest] = await versionsOf('kept-2');
  assert.deepEqual(at(latest, 'reasons', 0, 'kind'), 'PLATFORM');
  const libraries = await succeeding(ask('GET', '/v1/images/kept-2/versions/2'));
  assert.match(libraries.text, /"idna"/);
  const next = { ...declaration, label: '2026.12', requirements: ['idna>=3.7', 'six'] };
  const again = await succeeding(ask('POST', '/v1/updates/preview', { body: next }));
  assert.deepEqual(at(previewed(again.data, 'kept-2'), 'missing'), [], 'it holds all of that already');
  assert.deepEqual(at(again.data, 'requirements'), [
    { ...wanted, old: '==3.7', new: '>=3.7' },
    { ...wanted, subject: 'six', new: 'any version' },
  ]);
  const impossible = await succeeding(
    ask('POST', '/v1/updates/preview', { body: { ...next, requirements: ['six>=99'] } }),
  );
  assert.match(textAt(previewed(impossible.data, 'kept-2'), 'why'), /will fail.*six==1\.16\.0 contradicts six>=99/);
  assertRefused(await ask('POST', '/v1/updates', { body: declaration }), 400, /label/);
  await succeeding(ask('POST', `/v1/updates/${id}/revert`));
  const reverted = await imageOf('kept-2');
  assert.deepEqual([at(reverted, 'version'), at(reverted, 'digest')], [1, at(before, 'digest')]);
  assertRefused(await ask('POST', `/v1/updates/${id}/revert`), 400, /REVERTED/);
});

test('a base update is halted before anything is built, resumed, and taken back', async () => {
  const declaration = { kind: 'base', from: 'debian:bookworm', to: 'debian:bookworm' };
  const preview = await succeeding(ask('POST', '/v1/updates/preview', { body: declaration }));
  assert.ok(Number(at(preview.data, 'counts', 'rebase')) >= 6, preview.text);
  // Every image tells which state of the base it is on, and every state what is different in today's: here nothing.
  const [base] = listAt(preview.data, 'bases');
  assert.equal(at(base, 'images'), at(preview.data, 'counts', 'rebase'));
  assert.equal(at(previewed(preview.data, 'kept-3'), 'baseDigest'), at(base, 'digest'));
  assert.deepEqual(at(base, 'packages'), []);
  const before = await imageOf('kept-3');
  const applied = await succeeding(ask('POST', '/v1/updates', { body: declaration }));
  const id = textAt(applied.data, 'update', 'id');
  const halted = await succeeding(ask('POST', `/v1/updates/${id}/halt`));
  assert.equal(at(halted.data, 'update', 'state'), 'HALTED');
  assert.equal(at(halted.data, 'update', 'images', 'underWay'), 0);
  assert.equal(at(await imageOf('kept-3'), 'digest'), at(before, 'digest'), 'what was there is still in use');
  await succeeding(ask('POST', `/v1/updates/${id}/resume`));
  const done = await updateOver(id);
  assert.equal(at(done, 'state'), 'APPLIED');
  assert.equal(at(done, 'images', 'failed'), 0);
  assert.equal(at(done, 'images', 'cancelled'), 0);
  // The same base again is the same image: what can be told from it is told from the version.
  assert.equal(at(await imageOf('kept-3'), 'digest'), at(before, 'digest'));
  await succeeding(ask('POST', `/v1/updates/${id}/revert`));
  assert.equal(at(await imageOf('kept-3'), 'status'), 'READY');
});

test('an image that goes back to a version is of the Python of that version again, by a revert and by a roll back', async () => {
  const { data } = await succeeding(ask('POST', '/v1/images', { body: { name: 'moved', base: 'debian:trixie' } }));
  assert.equal(at(await endOfJob(ask, textAt(data, 'job', 'jobId')), 'status'), 'SUCCEEDED');
  const declaration = { kind: 'base', from: 'debian:trixie', to: 'debian:bookworm' };
  const preview = await succeeding(ask('POST', '/v1/updates/preview', { body: declaration }));
  const moved = previewed(preview.data, 'moved');
  assert.deepEqual([at(moved, 'action'), at(preview.data, 'counts', 'rebuild')], ['rebuild', 1]);
  assert.match(textAt(moved, 'why'), /3\.11 instead of 3\.13/);
  const [base] = listAt(preview.data, 'bases');
  assert.equal(at(base, 'digest'), at(moved, 'baseDigest'));
  const changed = listAt(base, 'packages').find((one) => at(one, 'name') === 'libc6');
  assert.match(`${at(changed, 'before')} to ${at(changed, 'after')}`, /^2\.41-\S+ to 2\.36-/);
  const applied = await succeeding(ask('POST', '/v1/updates', { body: declaration }));
  const id = textAt(applied.data, 'update', 'id');
  assert.equal(at(await updateOver(id), 'images', 'ready'), 1);
  const found = async () => {
    const { data: of } = await succeeding(ask('GET', '/v1/search?name=moved&python=3.13'));
    return [
      at(await imageOf('moved'), 'pythonVersion'),
      at(await imageOf('moved'), 'base'),
      listAt(of, 'images').length,
    ];
  };
  assert.deepEqual(await found(), ['3.11', 'debian:bookworm', 0]);
  await succeeding(ask('POST', `/v1/updates/${id}/revert`));
  assert.deepEqual(await found(), ['3.13', 'debian:trixie', 1]);
  await succeeding(ask('POST', '/v1/images/moved/rollback', { body: { version: 2 } }));
  assert.deepEqual(await found(), ['3.11', 'debian:bookworm', 0]);
  await succeeding(ask('POST', '/v1/images/moved/rollback', { body: { version: 1 } }));
  assert.deepEqual(await found(), ['3.13', 'debian:trixie', 1]);
});

function previewed(preview: unknown, name: string): unknown {
  return listAt(preview, 'images').find((one) => at(one, 'name') === name);
}

/** Waits until an update has asked for all of its versions and they have ended; looks at it whenever a build ends. */
async function updateOver(id: string): Promise<unknown> {
  for (;;) {
    const update = at((await succeeding(ask('GET', `/v1/updates/${id}`))).data, 'update');
    if (at(update, 'state') === 'APPLIED' && at(update, 'images', 'underWay') === 0) return update;
    const { data } = await succeeding(ask('GET', '/v1/jobs?status=QUEUED&status=RUNNING&limit=1'));
    const [job] = listAt(data, 'jobs');
    if (job !== undefined) await endOfJob(ask, textAt(job, 'jobId'));
  }
}

test('where there are no managed images, every route of theirs says so, and no other', async () => {
  for (const [environment, message] of [
    [{ MIR_DEPLOYMENT: 'cloud' }, /not available in a cloud deployment/],
    [{ MIR_IMAGE_REGISTRY_ENABLE: 'false' }, /switched off/],
  ] as const) {
    await instance.stop();
    const other = new InstanceProcess(instance.home, cleanup, environment);
    await other.start();
    const client = clientOf(
      () => other.url,
      () => key,
    );
    const { data } = await client('GET', '/openapi.json');
    let refused = 0;
    for (const [path, methods] of Object.entries(at(data, 'paths') as object)) {
      for (const [method, operation] of Object.entries(methods as object)) {
        if (!['images', 'instance'].includes(String(at(operation, 'tags', 0)))) continue;
        const answer = await client(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, '1'), {
          ...(method !== 'get' && { body: {} }),
        });
        if (at(operation, 'tags', 0) === 'images') {
          assertRefused(answer, 400, message);
          refused += 1;
        } else assert.doesNotMatch(answer.text, message, path);
      }
    }
    assert.ok(refused > 30);
    assert.equal((await client('GET', '/v1/rime-info')).status, 200);
    assert.equal((await client('GET', '/readyz')).status, 200);
    await other.stop();
  }
});

test('a setting that is unknown or wrong stops the start with its name, its value and what is allowed', async () => {
  for (const [environment, ...parts] of [
    [{ MIR_WORKRES: '2' }, 'MIR_WORKRES', 'MIR_WORKERS'],
    [{ MIR_WORKERS: 'many' }, 'workers', '"many"', 'MIR_WORKERS'],
    [{ MIR_WORKERS: '65' }, 'workers', '65', '64'],
    [{ MIR_DEPLOYMENT: 'moon' }, 'deployment', '"moon"', 'self-hosted', 'cloud'],
    [{ MIR_IMAGE_REGISTRY_ENABLE: 'maybe' }, 'image_registry_config.enable', '"maybe"', 'boolean'],
    [{ MIR_REPOSITORY_PREFIX: 'Not A Name' }, 'repository_prefix', '"Not A Name"'],
    [{ MIR_REGISTRY_KIND: 'oci' }, 'registry.host', 'missing'],
    [{ MIR_LISTEN: 'nowhere' }, 'listen', '"nowhere"', 'ADDRESS:PORT'],
    [{ MIR_PLATFORMS: 'linux/amd64,linux/vax' }, 'platforms', 'linux/vax'],
    [{ MIR_CONFIG: '/nowhere/mir.toml' }, '/nowhere/mir.toml'],
  ] as const) {
    const { status, output, errors } = await mir(['server'], { home: instance.home, environment });
    assert.notEqual(status, 0, JSON.stringify(environment));
    for (const part of parts) assert.ok(errors.includes(part), `${part} in: ${errors}`);
    assert.equal(output, '');
    assert.doesNotMatch(errors, /\n\s+at /);
  }
});
