import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { copyHome, warmHome } from './support/home.ts';
import { startInstance } from './support/instance.ts';
import { type Ask, assertRefused, at, endOfJob, listAt, succeeding, textAt } from './support/instance-client.ts';
import type { InstanceProcess } from './support/instance-process.ts';
import { build } from './support/mir.ts';
import { run } from './support/program.ts';

const cleanup = cleanupOf({ after });
let instance: InstanceProcess;
let ask: Ask;
let template: string;
let key = '';
let member = '';

before(async () => {
  template = await warmHome(cleanup);
  const started = await startInstance(await copyHome(template, cleanup), cleanup);
  ({ process: instance, ask, administratorKey: key, memberKey: member } = started);
});

const jobOf = (data: unknown): string => textAt(data, 'job', 'jobId');

/** Asks for something that is built, and waits until it is. */
async function done(method: string, path: string, body: object = {}): Promise<unknown> {
  const { data } = await succeeding(ask(method, path, { body }));
  return endOfJob(ask, jobOf(data));
}

const create = (name: string, ...requirements: string[]) => done('POST', '/v1/images', { name, requirements });

async function detailsOf(name: string): Promise<unknown> {
  return at((await succeeding(ask('GET', `/v1/images/${name}/details`))).data, 'image');
}

async function search(query: string): Promise<string[]> {
  const { data } = await succeeding(ask('GET', `/v1/search?${query}`));
  return listAt(data, 'images').map((one) => textAt(one, 'name'));
}

test('an altered image keeps its version until the next is READY, and keeps it when that fails', async () => {
  assert.equal(at(await create('fraud', 'six==1.16.0'), 'status'), 'SUCCEEDED');
  const first = await detailsOf('fraud');
  assert.deepEqual([at(first, 'status'), at(first, 'version')], ['READY', 1]);
  const altering = await succeeding(
    ask('PATCH', '/v1/images/fraud', { body: { requirements: ['six==1.16.0', 'idna==3.7'] } }),
  );
  assert.equal(at(altering.data, 'image', 'status'), 'STATUS_REBUILDING');
  assert.equal(at(altering.data, 'image', 'rimeTag'), 'v1', 'the name has not moved yet');
  assert.equal(at(await endOfJob(ask, jobOf(altering.data)), 'status'), 'SUCCEEDED');
  const second = await detailsOf('fraud');
  assert.deepEqual([at(second, 'status'), at(second, 'version')], ['READY', 2]);
  assert.notEqual(at(second, 'digest'), at(first, 'digest'));
  const failed = await done('PATCH', '/v1/images/fraud', { requirements: ['six==999.0'] });
  assert.equal(at(failed, 'status'), 'FAILED');
  const third = await detailsOf('fraud');
  assert.deepEqual(
    [at(third, 'status'), at(third, 'version'), at(third, 'digest')],
    ['READY', 2, at(second, 'digest')],
  );
  assert.equal(at(third, 'latestVersion', 'state'), 'FAILED');
  assert.match(textAt(third, 'latestVersion', 'failure', 'what'), /six/);
  assertRefused(
    await ask('PATCH', '/v1/images/fraud', { body: { requirements: ['idna==3.7', 'six==1.16.0'] } }),
    400,
    /nothing would change/,
  );
});

test('an alteration puts platforms back to those of the instance, and leaves those that it does not name', async () => {
  const of = async (version: number) => {
    const { data } = await succeeding(ask('GET', `/v1/images/placed/versions/${version}`));
    const { reasons, spec } = at(data, 'version') as { readonly reasons: unknown; readonly spec: object };
    return { reasons, isOwn: at(spec, 'hasOwnPlatforms'), platforms: listAt(spec, 'platforms') };
  };
  const both = ['linux/amd64', 'linux/arm64'];
  await succeeding(
    ask('POST', '/v1/images', { body: { name: 'placed', requirements: ['six==1.16.0'], platforms: both } }),
  );
  const alter = (body: object) => ask('PATCH', '/v1/images/placed', { body });
  await succeeding(alter({ requirements: ['six==1.15.0'], platforms: null }));
  const { isOwn, platforms } = await of(2);
  assert.deepEqual({ isOwn, platforms }, { isOwn: true, platforms: both });
  await succeeding(alter({ platforms: [] }));
  const standing = await of(3);
  assert.deepEqual(standing.reasons, [{ kind: 'ALTERED', subject: 'platforms', old: both.join(', ') }]);
  assert.deepEqual([standing.isOwn, standing.platforms.length], [false, 1]);
  assertRefused(await alter({ platforms: [] }), 400, /nothing would change/);
  assertRefused(await alter({ platforms: standing.platforms }), 400, /nothing would change/);
  // They are said no more, though they are the same today.
  await succeeding(alter({ platforms: both }));
  await succeeding(alter({ platforms: standing.platforms }));
  assert.equal((await of(5)).isOwn, true);
  await succeeding(alter({ platforms: [] }));
  assert.equal((await of(6)).isOwn, false);
  await succeeding(ask('DELETE', '/v1/images/placed'));
});

test('versions tell what, why, who and when; they are compared, gone back to, and built again', async () => {
  const { data } = await succeeding(ask('GET', '/v1/images/fraud/versions'));
  assert.deepEqual(
    listAt(data, 'versions').map((one) => [
      at(one, 'number'),
      at(one, 'state'),
      at(one, 'isCurrent'),
      at(one, 'reasons', 0, 'kind'),
      at(one, 'createdBy'),
    ]),
    [
      [3, 'FAILED', false, 'ALTERED', 'admin'],
      [2, 'READY', true, 'ALTERED', 'admin'],
      [1, 'READY', false, 'CREATED', 'admin'],
    ],
  );
  const two = (await succeeding(ask('GET', '/v1/images/fraud/versions/2'))).data;
  assert.ok(listAt(two, 'version', 'durations').length > 0 && Number(at(two, 'version', 'sizeBytes')) > 0);
  const { data: compared } = await succeeding(ask('GET', '/v1/diff?from=fraud:1&to=fraud:2'));
  assert.deepEqual(
    listAt(compared, 'diff', 'packages').map((one) => [at(one, 'name'), at(one, 'change')]),
    [['idna', 'added']],
  );
  const first = at((await succeeding(ask('GET', '/v1/images/fraud/versions/1'))).data, 'version', 'digest');
  await succeeding(ask('POST', '/v1/images/fraud/rollback', { body: { version: 1 } }));
  assert.deepEqual([at(await detailsOf('fraud'), 'version'), at(await detailsOf('fraud'), 'digest')], [1, first]);
  assertRefused(await ask('POST', '/v1/images/fraud/rollback', { body: { version: 3 } }), 400, /FAILED/);
  assertRefused(await ask('POST', '/v1/images/fraud/rollback', { body: { version: 9 } }), 404);
  assert.equal(at(await done('POST', '/v1/images/fraud/retry'), 'status'), 'FAILED');
  const retried = await detailsOf('fraud');
  assert.deepEqual([at(retried, 'status'), at(retried, 'latestVersion', 'reasons', 0, 'kind')], ['READY', 'RETRY']);
});

test('the lock of a version gives the same digest when it is built elsewhere', async () => {
  const lock = await succeeding(ask('GET', '/v1/images/fraud/versions/2/lock'));
  const path = join(await temporaryFolder(cleanup), 'pylock.toml');
  await writeFile(path, lock.text);
  const image = await build(['--lock', path, '-t', 'elsewhere'], { home: await copyHome(template, cleanup) });
  const version = (await succeeding(ask('GET', '/v1/images/fraud/versions/2'))).data;
  assert.equal(image.digest, at(version, 'version', 'digest'));
  assertRefused(await ask('GET', '/v1/images/fraud/versions/3/lock'), 400, /no lock/);
});

test('two hundred equal requests at once make one image, by one build', async () => {
  const body = { requirements: ['idna==3.6'] };
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => succeeding(ask('POST', '/v1/images/ensure', { body }))),
  );
  const names = new Set(answers.map(({ data }) => textAt(data, 'image', 'name')));
  assert.equal(names.size, 1);
  assert.equal(answers.filter(({ data }) => at(data, 'created') === true).length, 1);
  const jobs = new Set(answers.map(({ data }) => at(data, 'job', 'jobId')).filter((id) => id !== undefined));
  assert.equal(jobs.size, 1);
  const [job = ''] = jobs;
  assert.equal(at(await endOfJob(ask, String(job)), 'status'), 'SUCCEEDED');
  const again = await succeeding(ask('POST', '/v1/images/ensure', { body }));
  assert.match(textAt(again.data, 'digest'), /^sha256:/);
  assertRefused(await ask('POST', '/v1/images/ensure', { body: { name: 'fraud', requirements: ['idna==3.5'] } }), 409);
});

test('equal specs under two names at once are one build and two images; a name that is taken is refused', async () => {
  const names = ['twin-one', 'twin-two'];
  const made = await Promise.all(
    names.map((name) => succeeding(ask('POST', '/v1/images', { body: { name, requirements: ['idna==3.5'] } }))),
  );
  const jobs = new Set(made.map(({ data }) => jobOf(data)));
  assert.equal(jobs.size, 1);
  await endOfJob(ask, [...jobs][0] ?? '');
  const [one, two] = await Promise.all(names.map(detailsOf));
  assert.equal(at(one, 'digest'), at(two, 'digest'));
  assert.notEqual(at(one, 'repoUri'), at(two, 'repoUri'));
  assertRefused(
    await ask('POST', '/v1/images', { body: { name: 'twin-one', requirements: ['six'] } }),
    409,
    /twin-one/,
  );
  const racing = await Promise.all(
    Array.from({ length: 10 }, () =>
      ask('POST', '/v1/images', { body: { name: 'raced', requirements: ['six==1.16.0'] } }),
    ),
  );
  assert.deepEqual(racing.map(({ status }) => status).sort(), [200, ...Array(9).fill(409)]);
  const first = racing.find(({ status }) => status === 200);
  await endOfJob(ask, jobOf(first?.data));
});

test('matches are identical, satisfying or near, the best first', async () => {
  const match = async (...requirements: string[]) => {
    const { data } = await succeeding(ask('POST', '/v1/images/match', { body: { requirements } }));
    return listAt(data, 'matches').map((one) => [at(one, 'name'), at(one, 'kind')] as const);
  };
  assert.deepEqual((await match('idna==3.5'))[0]?.[1], 'identical');
  assert.deepEqual(await match('IDNA<3.6,>=3.0'), [
    ['twin-one', 'satisfies'],
    ['twin-two', 'satisfies'],
  ]);
  assert.deepEqual((await match('idna==3.5', 'no-such-package'))[0], ['twin-one', 'near']);
  assert.deepEqual(await match('no-such-package'), []);
  assert.deepEqual(await match('idna[all]==3.5').then((found) => found.map(([, kind]) => kind)), ['near', 'near']);
});

test('search finds by each filter, and pages leave nothing out and nothing twice', async () => {
  assert.deepEqual(await search('name=TWIN&sort=name'), ['twin-one', 'twin-two']);
  assert.deepEqual(await search('package=idna%3D%3D3.5&sort=-name'), ['twin-two', 'twin-one']);
  assert.deepEqual(await search('package=idna%3D%3D3.5&package=six'), []);
  assert.deepEqual(await search('name=%25'), []);
  assert.deepEqual(await search('name=twin_one'), []);
  assert.deepEqual(await search('creator=member'), []);
  assert.deepEqual(await search('python=3.13'), []);
  const all = await search('pageSize=1000');
  assert.equal((await search('status=READY&base=debian:bookworm&creator=admin&pageSize=1000')).length, all.length);
  for (const sort of ['createdAt', '-createdAt', 'name', '-name', 'updatedAt', '-updatedAt']) {
    const seen: string[] = [];
    for (let token = ''; ; ) {
      const { data } = await succeeding(
        ask('GET', `/v1/search?sort=${sort}&pageSize=1${token === '' ? '' : `&pageToken=${token}`}`),
      );
      seen.push(...listAt(data, 'images').map((one) => textAt(one, 'name')));
      assert.ok(seen.length <= all.length, `${sort}: ${seen}`);
      const next = at(data, 'nextPageToken');
      if (next === undefined) break;
      token = String(next);
    }
    assert.deepEqual([...seen].sort(), [...all].sort(), sort);
  }
});

test('page tokens that are made up, or of another question, are refused', async () => {
  const tokenOf = async (path: string) => textAt((await succeeding(ask('GET', path))).data, 'nextPageToken');
  const [found, listed, audited] = await Promise.all(
    ['/v1/search?pageSize=1&name=twin', '/v1/images?pageSize=1', '/v1/audit?pageSize=1&user=admin'].map(tokenOf),
  );
  for (const path of [
    `/v1/search?name=fraud&pageToken=${found}`,
    `/v1/search?name=twin&pageToken=${listed}`,
    `/v1/images?pageToken=${found}`,
    `/v1/audit?user=member&pageToken=${audited}`,
    `/v1/audit?pageToken=${listed}`,
    `/v1/images?pageToken=${listed?.slice(0, -2)}`,
    `/v1/images?pageToken=${listed?.slice(0, 4)}${listed?.[4] === 'A' ? 'B' : 'A'}${listed?.slice(5)}`,
    '/v1/images?pageToken=bWFkZSB1cA',
  ]) {
    assertRefused(await ask('GET', path), 400, /page token/);
  }
  assert.equal((await ask('GET', `/v1/audit?pageToken=${audited}`)).status, 200);
});

test('a removed name is free at once, for another repository; what was removed comes back with the same digest', async () => {
  await create('reused', 'idna==3.7');
  const before = await detailsOf('reused');
  await succeeding(ask('DELETE', '/v1/images/reused'));
  assertRefused(await ask('GET', '/v1/images/reused'), 404);
  assertRefused(await ask('DELETE', '/v1/images/reused'), 404);
  const { data } = await succeeding(
    ask('POST', '/v1/images', { body: { name: 'reused', requirements: ['six==1.16.0'] } }),
  );
  assert.match(textAt(data, 'image', 'repoUri'), /\/reused\.2$/);
  await endOfJob(ask, jobOf(data));
  const { data: list } = await succeeding(ask('GET', '/v1/removed-images?name=reused'));
  const [removed] = listAt(list, 'images');
  assert.deepEqual([at(removed, 'digest'), at(removed, 'removedBy')], [at(before, 'digest'), 'admin']);
  const id = String(at(removed, 'id'));
  assertRefused(await ask('POST', `/v1/removed-images/${id}/restore`, { body: {} }), 409, /reused/);
  await done('POST', `/v1/removed-images/${id}/restore`, { name: 'restored' });
  assert.equal(at(await detailsOf('restored'), 'digest'), at(before, 'digest'));
});

test('removed images are listed page by page, the last one first, each once', async () => {
  const names = ['gone-one', 'gone-two', 'gone-three', 'gone-four', 'gone-five'];
  for (const name of names) await succeeding(ask('POST', '/v1/images', { body: { name, requirements: ['six'] } }));
  for (const name of names) await succeeding(ask('DELETE', `/v1/images/${name}`));
  const seen: string[] = [];
  for (let token = ''; ; ) {
    const page = `/v1/removed-images?pageSize=2${token === '' ? '' : `&pageToken=${token}`}`;
    const { data } = await succeeding(ask('GET', page));
    seen.push(...listAt(data, 'images').map((one) => String(at(one, 'id'))));
    const next = at(data, 'nextPageToken');
    if (next === undefined) break;
    token = String(next);
  }
  const { data } = await succeeding(ask('GET', '/v1/removed-images?pageSize=1000'));
  const all = listAt(data, 'images');
  assert.deepEqual(
    seen,
    all.map((one) => String(at(one, 'id'))),
  );
  assert.deepEqual(
    all.slice(0, names.length).map((one) => at(one, 'name')),
    [...names].reverse(),
  );
  assertRefused(await ask('GET', '/v1/removed-images?pageToken=bWFkZSB1cA'), 400, /page token/);
});

test('an image without bytecode is restored without bytecode', async () => {
  await done('POST', '/v1/images', { name: 'sources', requirements: ['idna==3.7'], bytecode: false });
  const before = await detailsOf('sources');
  await succeeding(ask('DELETE', '/v1/images/sources'));
  const { data } = await succeeding(ask('GET', '/v1/removed-images?name=sources'));
  await done('POST', `/v1/removed-images/${String(at(data, 'images', 0, 'id'))}/restore`);
  assert.equal(at(await detailsOf('sources'), 'digest'), at(before, 'digest'));
});

test('an image in use is removed only by force; a use pins a digest, and ends', async () => {
  await create('used', 'six==1.16.0');
  const use = await succeeding(ask('POST', '/v1/images/used/uses', { key: member, body: { by: 'run 17' } }));
  assert.match(textAt(use.data, 'use', 'reference'), /\/used@sha256:/);
  assertRefused(await ask('DELETE', '/v1/images/used'), 400, /run 17/);
  const id = textAt(use.data, 'use', 'id');
  await succeeding(ask('DELETE', `/v1/images/used/uses/${id}`, { key: member }));
  assertRefused(await ask('DELETE', `/v1/images/used/uses/${id}`, { key: member }), 404);
  await succeeding(ask('POST', '/v1/images/used/uses', { key: member, body: { by: 'run 18' } }));
  await succeeding(ask('DELETE', '/v1/images/used?force=true'));
});

test('builds are cancelled while they wait and while they run; one that others wait for goes on', async () => {
  const start = async (name: string, ...requirements: string[]) =>
    jobOf((await succeeding(ask('POST', '/v1/images', { body: { name, requirements } }))).data);
  const running = await start('cancelled-running', 'sqlalchemy==2.0.30');
  const waiting = await start('cancelled-waiting', 'idna==3.4');
  const shared = await start('cancelled-shared', 'idna==3.3');
  assert.equal(await start('not-cancelled', 'idna==3.3'), shared);
  const removed = await start('removed-while-waiting', 'idna==3.2');
  await succeeding(ask('POST', `/v1/jobs/cancel/${waiting}`, { body: {} }));
  assertRefused(await ask('POST', `/v1/jobs/cancel/${waiting}`, { body: {} }), 400, /ended/);
  await succeeding(ask('DELETE', '/v1/images/removed-while-waiting'));
  await succeeding(ask('POST', `/v1/jobs/cancel/${running}`, { body: {} }));
  for (const job of [running, waiting, removed]) assert.equal(at(await endOfJob(ask, job), 'status'), 'CANCELLED');
  assert.equal(at(await detailsOf('cancelled-running'), 'status'), 'FAILED');
  assert.equal(at(await endOfJob(ask, shared), 'status'), 'SUCCEEDED');
  assert.equal(at(await detailsOf('not-cancelled'), 'status'), 'READY');
  const again = await done('POST', '/v1/images/cancelled-waiting/retry');
  assert.equal(at(again, 'status'), 'SUCCEEDED');
});

test('an image that is removed while it is built leaves no job, and its name works again', async () => {
  const { data } = await succeeding(
    ask('POST', '/v1/images', { body: { name: 'short-lived', requirements: ['pygments==2.18.0'] } }),
  );
  await succeeding(ask('DELETE', '/v1/images/short-lived'));
  assert.equal(at(await endOfJob(ask, jobOf(data)), 'status'), 'CANCELLED');
  assert.equal(at(await create('short-lived', 'six==1.16.0'), 'status'), 'SUCCEEDED');
});

test('a POST with an Idempotency-Key is done once', async () => {
  const headers = { 'idempotency-key': 'once-1' };
  const body = { name: 'done-once', requirements: ['six==1.16.0'] };
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask('POST', '/v1/images', { body, headers })));
  for (const answer of answers) if (answer.status !== 200) assertRefused(answer, 409, /under way/);
  const first = await succeeding(ask('POST', '/v1/images', { body, headers }));
  const again = await succeeding(ask('POST', '/v1/images', { body, headers }));
  assert.equal(jobOf(again.data), jobOf(first.data));
  assertRefused(
    await ask('POST', '/v1/images', { body: { ...body, name: 'another' }, headers }),
    400,
    /another request/,
  );
  assertRefused(await ask('POST', '/v1/images', { body }), 409, /taken/);
});

test('the log of a job is followed from where a watcher left, and kept whole', async () => {
  const job = String(at(await create('followed', 'idna==3.1'), 'jobId'));
  const events = async (last?: number) =>
    (
      await ask('GET', `/v1/jobs/${job}/events`, {
        ...(last !== undefined && { headers: { 'last-event-id': String(last) } }),
      })
    ).text;
  const ids = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  const all = ids(await events());
  assert.deepEqual(
    all,
    all.map((_, index) => index + 1),
  );
  assert.ok(all.length > 3);
  assert.deepEqual(ids(await events(2)), all.slice(2));
  assert.deepEqual(ids(await events(all.length)), []);
  const log = await succeeding(ask('GET', '/v1/images/followed/versions/1/logs'));
  assert.equal(log.text.trimEnd().split('\n').length, all.length);
  const old = await succeeding(ask('GET', `/v1-beta/logs/${job}`));
  assert.equal(at(old.data, 'result', 'chunk'), log.text);
});

test('whoever has an API key pulls; nobody pushes, and nobody without a key sees anything', async () => {
  const { host } = new URL(instance.url);
  const folder = await temporaryFolder(cleanup);
  const image = `docker://${host}/rime-managed-images/twin-one:v1`;
  const tls = ['--src-tls-verify=false'];
  const pulled = await run('skopeo', [
    'copy',
    ...tls,
    '--src-creds',
    `anybody:${member}`,
    image,
    `dir:${folder}/pulled`,
  ]);
  assert.equal(pulled.status, 0, pulled.errors);
  const anonymous = await run('skopeo', ['copy', ...tls, image, `dir:${folder}/anonymous`]);
  assert.notEqual(anonymous.status, 0);
  const wrong = await run('skopeo', ['copy', ...tls, '--src-creds', 'anybody:mir_wrong', image, `dir:${folder}/wrong`]);
  assert.notEqual(wrong.status, 0);
  for (const [given, status] of [
    [member, 403],
    [key, 403],
    ['mir_wrong', 401],
  ] as const) {
    const authorization = `Basic ${Buffer.from(`anybody:${given}`).toString('base64')}`;
    for (const [method, path] of [
      ['POST', '/v2/rime-managed-images/twin-one/blobs/uploads/'],
      ['PUT', '/v2/rime-managed-images/twin-one/manifests/v1'],
      ['DELETE', '/v2/rime-managed-images/twin-one/manifests/v1'],
    ] as const) {
      const answer = await fetch(`${instance.url}${path}`, { method, headers: { authorization } });
      assert.equal(answer.status, status, `${method} ${path}: ${await answer.text()}`);
    }
  }
  const { data } = await succeeding(ask('GET', '/v1/audit?action=registry.push&user=member&outcome=refused'));
  assert.deepEqual(
    [...new Set(listAt(data, 'entries').map((one) => at(one, 'subject')))],
    ['rime-managed-images/twin-one'],
  );
  assert.equal((await fetch(`${instance.url}/v2/rime-managed-images/twin-one/tags/list`)).status, 401);
  assert.equal((await fetch(`${instance.url}/v2/_catalog`)).status, 401);
});

test('a check of the embedded registry finds nothing, says what has gone, and is for administrators', async () => {
  const check = async (repair: boolean) =>
    listAt((await succeeding(ask('POST', '/v1/registry/check', { body: { repair } }))).data, 'findings');
  assert.deepEqual(await check(false), []);
  assertRefused(await ask('POST', '/v1/registry/check', { key: member, body: {} }), 403);
  await create('vanishing', 'six==1.16.0');
  await rm(join(instance.home, 'registry/repositories/rime-managed-images/vanishing'), { recursive: true });
  assert.deepEqual(
    (await check(false)).map((one) => [at(one, 'kind'), at(one, 'image')]),
    [['repository-missing', 'vanishing']],
  );
  const [repaired] = await check(true);
  const job = /job ([0-9a-f-]{36})/.exec(textAt(repaired, 'repair'))?.[1] ?? '';
  assert.equal(at(await endOfJob(ask, job), 'status'), 'SUCCEEDED');
});

test('every change is in the audit log with what was before and after, in CSV too', async () => {
  const actions = ['image.create', 'image.alter', 'image.retry', 'image.roll-back', 'image.remove', 'image.restore'];
  for (const action of [
    ...actions,
    'image.use',
    'image.use-ended',
    'job.cancel',
    'user.create',
    'token.create',
    'sign-in',
  ]) {
    const { data } = await succeeding(ask('GET', `/v1/audit?action=${action}&pageSize=1`));
    assert.equal(listAt(data, 'entries').length, 1, action);
  }
  const { data } = await succeeding(ask('GET', '/v1/audit?action=image.alter&subject=fraud'));
  const first = listAt(data, 'entries').at(-1);
  assert.deepEqual(
    listAt(first, 'old', 'pipRequirements').map((one) => at(one, 'name')),
    ['six'],
  );
  assert.deepEqual(
    listAt(first, 'new', 'pipRequirements').map((one) => at(one, 'name')),
    ['six', 'idna'],
  );
  assert.deepEqual([at(first, 'user'), at(first, 'workspace'), at(first, 'outcome')], ['admin', 'default', 'done']);
  const csv = await succeeding(ask('GET', '/v1/audit.csv?subject=fraud'));
  const [head, ...lines] = csv.text.trimEnd().split('\r\n');
  assert.equal(head, 'at,user,token,workspace,action,subject,outcome,old,new,requestId,address');
  assert.ok(lines.length >= 4 && lines.every((line) => line.includes(',fraud,')), csv.text);
});
