import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Answer, type Ask, asker, readyImage, settled, wants } from './support/api.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { mirOutput } from './support/mir.ts';
import { run } from './support/program.ts';

const cleanup = cleanupOf({ after });
let home: string;
let instance: RunningInstance;
let administrator: Ask;
let member: Ask;

before(async () => {
  home = await warmHome(cleanup);
  instance = await startInstance(home, cleanup);
  administrator = asker(instance.url, instance.administratorKey);
  member = asker(instance.url, instance.memberKey);
});

const details = async (name: string): Promise<Answer> =>
  (await wants(member, 'GET', `/v1/images/${name}/details`)).image;
const versions = async (name: string): Promise<Answer[]> =>
  (await wants(member, 'GET', `/v1/images/${name}/versions`)).versions;
const ended = async (job: string): Promise<Answer> => {
  const text = await (
    await fetch(`${instance.url}/v1/jobs/${job}/events`, { headers: { 'rime-api-key': instance.memberKey } })
  ).text();
  return JSON.parse(/event: end\ndata: (.*)/.exec(text)?.[1] ?? 'null');
};

test('an altered image moves to its new version when that is READY, and back when it is rolled back', async () => {
  await readyImage(member, 'moving', { requirements: ['six==1.16.0'] });
  await wants(member, 'PATCH', '/v1/images/moving', { requirements: ['six==1.17.0', 'idna==3.10'] });
  assert.equal(await settled(member, 'moving'), 'STATUS_READY');
  const [second, first] = await versions('moving');
  assert.deepEqual([second.number, second.isCurrent, first.isCurrent], [2, true, false]);
  assert.deepEqual(second.reasons, [
    { kind: 'ALTERED', subject: 'idna', new: '==3.10' },
    { kind: 'ALTERED', subject: 'six', old: '==1.16.0', new: '==1.17.0' },
  ]);
  const { diff } = await wants(member, 'GET', '/v1/diff?from=moving:1&to=moving');
  assert.deepEqual(diff.packages.map(({ name, before, after: now }: Answer) => [name, before, now]).sort(), [
    ['idna', null, '3.10'],
    ['six', '1.16.0', '1.17.0'],
  ]);
  await wants(member, 'POST', '/v1/images/moving/rollback', { version: 1 });
  assert.equal((await details('moving')).digest, first.digest);
  const { image } = await wants(member, 'GET', '/v1/images/moving');
  assert.deepEqual([image.rimeTag, image.pipLibraries], ['v1', [{ name: 'six', version: '1.16.0' }]]);
  assert.equal((await member('POST', '/v1/images/moving/rollback', { version: 9 })).status, 404);
});

test('a failed alteration leaves the image READY on its version, with the failure beside it', async () => {
  await readyImage(member, 'failing', { requirements: ['six==1.16.0'] });
  await wants(member, 'PATCH', '/v1/images/failing', { requirements: ['six==999'] });
  assert.equal(await settled(member, 'failing'), 'STATUS_READY');
  const { version, latestVersion } = await details('failing');
  assert.deepEqual([version, latestVersion.number, latestVersion.state], [1, 2, 'FAILED']);
  assert.match(latestVersion.failure.what, /six/);
  // The next alteration begins from what works.
  await wants(member, 'PATCH', '/v1/images/failing', { osPackages: ['libgomp1'] });
  assert.equal(await settled(member, 'failing'), 'STATUS_READY');
  const { version: third } = await wants(member, 'GET', '/v1/images/failing/versions/3');
  assert.deepEqual(third.libraries, [{ name: 'six', version: '1.16.0' }]);
  assert.equal(
    third.osPackages.some(({ name }: Answer) => name === 'libgomp1'),
    true,
  );
});

test('a first build that fails keeps the name, says what is wrong, and can be tried again or removed', async () => {
  await wants(member, 'POST', '/v1/images', { name: 'broken', requirements: ['six==999'] });
  assert.equal(await settled(member, 'broken'), 'STATUS_FAILED');
  assert.equal((await member('POST', '/v1/images', { name: 'broken' })).status, 409);
  const { job } = await wants(member, 'POST', '/v1/images/broken/retry');
  assert.equal((await ended(job.jobId)).status, 'FAILED');
  await wants(administrator, 'DELETE', '/v1/images/broken');
  await readyImage(member, 'broken', { requirements: ['six'] });
  assert.match((await details('broken')).repoUri, /\/managed-images\/broken\.2$/);
});

test('the lock of a version builds the same digest by the command line', async (t) => {
  await readyImage(member, 'locked', { requirements: ['attrs==24.2.0'], osPackages: ['libgomp1'] });
  const { status, data } = await member('GET', '/v1/images/locked/versions/1/lock');
  assert.equal(status, 200);
  const lock = join(await temporaryFolder(cleanupOf(t)), 'pylock.toml');
  await writeFile(lock, data);
  const said = await mirOutput(['build', '--lock', lock, '-t', 'again'], { home });
  assert.ok(said.includes((await details('locked')).digest), said);
});

test('two hundred equal requests at once make one image with one build', async () => {
  const body = { name: 'equal', requirements: ['click==8.1.7'] };
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => wants(member, 'POST', '/v1/images/ensure', body)),
  );
  assert.equal(answers.filter(({ created }) => created).length, 1);
  assert.equal(new Set(answers.flatMap(({ job }) => (job === null ? [] : [job.jobId]))).size, 1);
  assert.equal(await settled(member, 'equal'), 'STATUS_READY');
  const again = await wants(member, 'POST', '/v1/images/ensure', body);
  assert.deepEqual([again.created, again.job, again.digest], [false, null, (await details('equal')).digest]);
  const unnamed = await wants(member, 'POST', '/v1/images/ensure', { requirements: ['click==8.1.7'] });
  assert.equal(unnamed.image.name, 'equal');
  const other = await member('POST', '/v1/images/ensure', { name: 'equal', requirements: ['click==8.1.8'] });
  assert.equal(other.status, 409);
});

test('the same under two names is built once, and both get the digest', async () => {
  const spec = { requirements: ['zipp==3.20.2', 'toml==0.10.2'] };
  const [one, two] = await Promise.all(
    ['twin-one', 'twin-two'].map((name) => wants(member, 'POST', '/v1/images', { name, ...spec })),
  );
  assert.equal(await settled(member, 'twin-one'), 'STATUS_READY');
  assert.equal(await settled(member, 'twin-two'), 'STATUS_READY');
  const [a, b] = [await details('twin-one'), await details('twin-two')];
  assert.equal(a.digest, b.digest);
  assert.notEqual(a.repoUri, b.repoUri);
  // When the second came while the first was built, it is one job; when it came after, a second one that found everything there.
  if (one.job.jobId === two.job.jobId) assert.equal((await ended(one.job.jobId)).images.length, 2);
});

test('match tells what is identical, what satisfies, and what is missing', async () => {
  await readyImage(member, 'matched', { requirements: ['packaging==24.1', 'filelock==3.16.1'] });
  const matches = async (spec: object) => (await wants(member, 'POST', '/v1/images/match', spec)).matches as Answer[];
  const of = (found: Answer[]) => found.find(({ name }) => name === 'matched');
  assert.equal(of(await matches({ requirements: ['filelock==3.16.1', 'Packaging==24.1'] })).kind, 'identical');
  assert.equal(of(await matches({ requirements: ['packaging>=24,<25'] })).kind, 'satisfies');
  assert.deepEqual(of(await matches({ requirements: ['packaging>=24', 'filelock>=4'] })).missing, [
    { requirement: 'filelock>=4', installed: '3.16.1' },
  ]);
  assert.equal(of(await matches({ requirements: ['packaging>=24'], pythonVersion: '3.13' })), undefined);
  const { images } = await wants(
    member,
    'GET',
    `/v1/search?package=${encodeURIComponent('packaging<25')}&name=match&python=3.11`,
  );
  assert.deepEqual(
    images.map(({ name }: Answer) => name),
    ['matched'],
  );
  assert.equal(
    (await wants(member, 'GET', `/v1/search?package=${encodeURIComponent('packaging>25')}&name=match`)).total,
    0,
  );
});

test('a plan says versions, bytes and what is wrong before anything is built', async () => {
  const { plan } = await wants(member, 'POST', '/v1/images/plan', { requirements: ['six==1.16.0', 'wrapt==1.16.0'] });
  const [{ packages, lockDigest }] = plan.platforms;
  assert.deepEqual(
    packages.map(({ name, version, isHere }: Answer) => [name, version, isHere]),
    [
      ['six', '1.16.0', true],
      ['wrapt', '1.16.0', false],
    ],
  );
  assert.match(lockDigest, /^sha256:/);
  const conflict = await member('POST', '/v1/images/plan', { requirements: ['six==1.16.0', 'six==1.17.0'] });
  assert.equal(conflict.status, 400);
  assert.match(conflict.data.message, /six/);
});

test('an image in use is not removed unless that is forced; restored, it has the digest that it had', async () => {
  await readyImage(member, 'used', { requirements: ['idna==3.10'] });
  const { digest } = await details('used');
  const { use } = await wants(member, 'POST', '/v1/images/used/uses', { by: 'run 17' });
  assert.equal(use.digest, digest);
  const refused = await administrator('DELETE', '/v1/images/used');
  assert.equal(refused.status, 400);
  assert.match(refused.data.message, /run 17/);
  await wants(administrator, 'DELETE', '/v1/images/used?force=true');
  assert.equal((await member('GET', '/v1/images/used')).status, 404);
  const { images } = await wants(administrator, 'GET', '/v1/removed-images?name=used');
  await wants(administrator, 'POST', `/v1/removed-images/${images[0].id}/restore`);
  assert.equal(await settled(member, 'used'), 'STATUS_READY');
  assert.equal((await details('used')).digest, digest);
});

test('a build is cancelled while it waits and while it runs, and the queue goes on', async () => {
  const names = ['first', 'second', 'third'].map((name) => `cancelled-${name}`);
  const jobs = [];
  for (const [at, name] of names.entries()) {
    const { job } = await wants(member, 'POST', '/v1/images', {
      name,
      requirements: ['numpy', `six==1.1${5 + at}.0`],
      pythonVersion: '3.11',
    });
    jobs.push(job.jobId);
  }
  const [running, waiting, last] = jobs;
  assert.equal((await asker(instance.url)('POST', `/v1/jobs/cancel/${waiting}`)).status, 401);
  await wants(member, 'POST', `/v1/jobs/cancel/${waiting}`);
  await wants(member, 'POST', `/v1/jobs/cancel/${running}`);
  assert.equal((await ended(waiting)).status, 'CANCELLED');
  assert.equal((await ended(running)).status, 'CANCELLED');
  await wants(administrator, 'DELETE', '/v1/images/cancelled-third');
  assert.equal((await ended(last)).status, 'CANCELLED');
  assert.equal(await settled(member, 'cancelled-first'), 'STATUS_FAILED');
  await readyImage(member, 'after-all', { requirements: ['six'] });
});

test('a log is told from where a follower was cut off, and kept whole with the version', async () => {
  await readyImage(member, 'followed', { requirements: ['six==1.15.0'] });
  const { jobId } = (await versions('followed'))[0];
  const follow = async (last?: string) => {
    const headers = { 'rime-api-key': instance.memberKey, ...(last !== undefined && { 'last-event-id': last }) };
    const text = await (await fetch(`${instance.url}/v1/jobs/${jobId}/events`, { headers })).text();
    return [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  };
  const all = await follow();
  assert.deepEqual(
    all,
    all.map((_, at) => at + 1),
  );
  assert.deepEqual(await follow('2'), all.slice(2));
  const { data } = await member('GET', '/v1/images/followed/versions/1/logs');
  assert.match(data, /six==1\.15\.0/);
  assert.match(data, /sha256:[0-9a-f]{64}/);
});

test('a POST with an Idempotency-Key is done once; the secret of a token is not kept for it', async () => {
  const post = (path: string, body: object) =>
    fetch(`${instance.url}${path}`, {
      method: 'POST',
      headers: {
        'rime-api-key': instance.memberKey,
        'content-type': 'application/json',
        'idempotency-key': 'once and no more',
      },
      body: JSON.stringify(body),
    });
  const spec = { name: 'idempotent', requirements: ['six'] };
  const answers = [await post('/v1/images', spec), await post('/v1/images', spec)];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  assert.deepEqual(await answers[0]?.json(), await answers[1]?.json());
  assert.equal((await post('/v1/images', { ...spec, name: 'other' })).status, 400);
  const secrets = await Promise.all(
    [1, 2].map(async () => ((await (await post('/v1/api-tokens', {})).json()) as Answer).secret),
  );
  assert.notEqual(secrets[0], secrets[1]);
});

test('pages follow each other without gaps; tokens that were made up or belong to another list are refused', async () => {
  const seen: string[] = [];
  for (let token = ''; ; ) {
    const page = await wants(
      member,
      'GET',
      `/v1/search?sort=name&pageSize=3${token === '' ? '' : `&pageToken=${token}`}`,
    );
    seen.push(...page.images.map(({ name }: Answer) => name));
    if (page.nextPageToken === undefined) break;
    token = page.nextPageToken;
  }
  const { total } = await wants(member, 'GET', '/v1/search?pageSize=1');
  assert.equal(new Set(seen).size, total);
  assert.deepEqual(seen, [...seen].sort());
  const { nextPageToken } = await wants(member, 'GET', '/v1/search?pageSize=1');
  for (const [method, path, body] of [
    ['GET', '/v1/search?pageSize=1&name=a&pageToken=TOKEN', undefined],
    ['POST', '/v1/images/list', { pageToken: nextPageToken, pageSize: 2 }],
    ['POST', '/v1/images/list', { pageToken: 'bWFkZSB1cA', pageSize: 2 }],
  ] as const) {
    assert.equal((await member(method, path.replace('TOKEN', nextPageToken), body)).status, 400, path);
  }
});

test('an API key pulls by any client, and pushes nothing', async () => {
  const reference = `docker://${(await details('moving')).reference}`;
  const credentials = `anybody:${instance.memberKey}`;
  const pulled = await run('skopeo', ['inspect', '--tls-verify=false', '--creds', credentials, reference]);
  assert.equal(pulled.status, 0, pulled.errors);
  const anonymous = await run('skopeo', ['inspect', '--tls-verify=false', reference]);
  assert.notEqual(anonymous.status, 0);
  const push = [
    'copy',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    '--src-creds',
    credentials,
    '--dest-creds',
    credentials,
  ];
  const pushed = await run('skopeo', [...push, reference, reference.replace('/moving:', '/pushed:')]);
  assert.notEqual(pushed.status, 0);
  assert.match(pushed.errors, /denied|may not push/i);
});

test('the audit log has every change with old and new, and goes out as CSV', async () => {
  const { entries } = await wants(administrator, 'GET', '/v1/audit?subject=moving&pageSize=50');
  assert.deepEqual(
    entries.map(({ action, user }: Answer) => `${action} by ${user}`),
    ['image.roll-back by member', 'image.alter by member', 'image.create by member'],
  );
  assert.equal(entries[1].old.pipRequirements[0].versionSpecifier, '==1.16.0');
  assert.equal(entries[1].new.pipRequirements.length, 2);
  const { data } = await administrator('GET', '/v1/audit.csv?subject=moving');
  assert.equal(data.trim().split('\r\n').length, 4);
});
