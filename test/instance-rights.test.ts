import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import {
  type Answer,
  type Ask,
  assertErrorBody,
  assertRefused,
  at,
  clientOf,
  cookieOf,
  listAt,
  succeeding,
  textAt,
} from './support/instance-client.ts';
import { queryInstance } from './support/instance-database.ts';
import { adminPassword, InstanceProcess } from './support/instance-process.ts';

/** Which operation needs which right: a new operation has to be entered here, by somebody who has thought about it. */
const operationsByRight: Readonly<Record<string, readonly string[]>> = {
  public: ['isAlive', 'isReady', 'getMetrics', 'signIn', 'openSetUp', 'setUp'],
  see: [
    ...['getImage', 'listImages', 'listImagesPlainly', 'getImageDetails', 'searchImages', 'matchImages', 'diffImages'],
    ...['countImages', 'listImageCreators'],
    ...['listVersions', 'getVersion', 'getLock', 'getVersionLog', 'getJob', 'getJobDetails', 'listJobs', 'followJob'],
    ...['getLog', 'getLog2', 'getLog3', 'getServerInfo', 'getLimit', 'listImageTypes', 'listBases'],
    ...['completePackageName', 'getStorage', 'listImageStorage', 'listNearDuplicates', 'listUpdates', 'getUpdate'],
    ...['getImageUsage', 'followImages'],
    ...['listWorkspaces', 'listMembers'],
  ],
  create: ['createImage', 'planImage', 'ensureImage', 'startUse', 'endUse'],
  change: ['alterImage', 'retryImage', 'rollBackImage', 'rebaseImage', 'cancelJob'],
  run: ['uploadRunFiles', 'createTestRun'],
  seeRuns: [
    ...[
      'listTestRuns',
      'getTestRun',
      'followTestRun',
      'followTestRuns',
      'cancelTestRun',
      'listRunFiles',
      'downloadRunFiles',
    ],
  ],
  remove: ['deleteImage', 'trimVersion', 'listRemovedImages', 'restoreImage'],
  administer: [
    ...['listUsers', 'createUser', 'getUser', 'alterUser', 'deleteUser', 'createWorkspace', 'deleteWorkspace'],
    ...['readAudit', 'exportAudit', 'getSettings', 'checkRegistry'],
    ...['listPullSecrets', 'createPullSecret', 'deletePullSecret'],
    ...['previewUpdate', 'applyUpdate', 'haltUpdate', 'resumeUpdate', 'revertUpdate'],
  ],
  manageWorkspace: ['setMember', 'removeMember', 'listWorkspaceApiTokens'],
  own: [
    ...['getMe', 'signOut', 'listApiTokens', 'createApiToken', 'deleteApiToken'],
    ...['createOriginalApiToken', 'listOriginalApiTokens', 'deleteOriginalApiToken'],
  ],
};

const accounts = ['viewer', 'member', 'vp', 'elsewhere', 'team-admin', 'creator', 'support', 'admin'] as const;
type Account = (typeof accounts)[number];

/** Who has which right, on an image that `creator` made in the workspace `team`, and on that workspace. */
const accountsByRight: Readonly<Record<string, readonly Account[]>> = {
  see: accounts,
  create: accounts,
  own: accounts,
  change: ['team-admin', 'creator', 'support', 'admin'],
  // Of another workspace: asked without a run, it is had by everybody for their own.
  run: ['member', 'vp', 'elsewhere', 'team-admin', 'support', 'admin'],
  seeRuns: accounts,
  remove: ['support', 'admin'],
  administer: ['support', 'admin'],
  manageWorkspace: ['team-admin', 'support', 'admin'],
};

type Operation = { readonly id: string; readonly method: string; readonly path: string; readonly right: string };

const cleanup = cleanupOf({ after });
const keys = new Map<Account, string>();
let instance: InstanceProcess;
let ask: Ask;
let operations: readonly Operation[];
let firstAnswers: {
  readonly opened: Answer;
  readonly elsewhere: Answer;
  readonly chosen: Answer;
  readonly again: Answer;
};

const keyOf = (account: Account): string => keys.get(account) ?? '';
const asAdmin: Ask = (method, path, request) => ask(method, path, { key: keyOf('admin'), ...request });

before(async () => {
  // No worker: what is asked for stays in the queue, and nothing changes under the walk.
  const environment = { MIR_ADMIN_PASSWORD: undefined, MIR_WORKERS: '0' };
  instance = new InstanceProcess(await warmHome(cleanup), cleanup, environment);
  await instance.start();
  ask = clientOf(() => instance.url);
  firstAnswers = await setUp();
  const headers = { cookie: cookieOf(firstAnswers.chosen.headers), origin: instance.url };
  const made = await succeeding(ask('POST', '/v1/api-tokens', { body: {}, headers }));
  keys.set('admin', textAt(made.data, 'secret'));
  for (const name of ['team', 'other']) await succeeding(asAdmin('POST', '/v1/workspaces', { body: { name } }));
  const roles = { viewer: 'viewer', member: 'member', vp: 'vp', 'team-admin': 'admin', creator: 'viewer' } as const;
  for (const [name, role] of Object.entries(roles)) await makeAccount(name as Account, 'team', role);
  await makeAccount('elsewhere', 'other', 'admin');
  await makeAccount('support', 'team', undefined);
  operations = operationsOf((await ask('GET', '/openapi.json')).data);
});

/** The administrator's account by the link that the first start prints, tried from two browsers. */
async function setUp() {
  const code = /set-up#code=(\S+)/.exec(instance.printed)?.[1] ?? '';
  const headers = { origin: instance.url };
  const opened = await ask('POST', '/v1/set-up/open', { body: { code }, headers });
  const mine = { ...headers, cookie: cookieOf(opened.headers) };
  const elsewhere = await ask('POST', '/v1/set-up', { body: { code, password: 'the password of a thief' }, headers });
  const chosen = await ask('POST', '/v1/set-up', { body: { code, password: adminPassword }, headers: mine });
  const again = await ask('POST', '/v1/set-up', { body: { code, password: adminPassword }, headers: mine });
  return { opened, elsewhere, chosen, again };
}

async function makeAccount(name: Account, workspace: string, role: string | undefined): Promise<void> {
  await succeeding(asAdmin('POST', '/v1/users', { body: { name, role: role === undefined ? 'support' : 'member' } }));
  if (role !== undefined)
    await succeeding(asAdmin('PUT', `/v1/workspaces/${workspace}/members/${name}`, { body: { role } }));
  keys.set(name, await newKey(name, workspace));
}

async function newKey(user: string, workspace: string): Promise<string> {
  return textAt((await succeeding(asAdmin('POST', '/v1/api-tokens', { body: { user, workspace } }))).data, 'secret');
}

function operationsOf(description: unknown): readonly Operation[] {
  return Object.entries(at(description, 'paths') as object).flatMap(([path, methods]) =>
    Object.entries(methods as object).map(([method, operation]) => ({
      ...{ id: textAt(operation, 'operationId'), method: method.toUpperCase(), path },
      right: textAt(operation, 'x-right'),
    })),
  );
}

let images = 0;

/** A new image that `creator` made in `team`, whose build waits. */
async function newImage(): Promise<{ readonly name: string; readonly job: string }> {
  images += 1;
  const body = { name: `walked-${images}`, requirements: [`six>=1.${images}`] };
  const { data } = await succeeding(ask('POST', '/v1/images', { key: keyOf('creator'), body }));
  return { name: body.name, job: textAt(data, 'job', 'jobId') };
}

const onImages = new Set([
  'rebaseImage',
  'alterImage',
  'retryImage',
  'rollBackImage',
  'cancelJob',
  'deleteImage',
  'followJob',
]);
const bodies: Readonly<Record<string, unknown>> = {
  // A plan would wait for a worker.
  planImage: { pythonVersion: 'none' },
  rebaseImage: { base: 'debian:bookworm' },
  alterImage: { requirements: ['idna'] },
  rollBackImage: { version: 1 },
  setMember: { role: 'viewer' },
};

/** A request to an operation: on real things where a right depends on them, else one that ends as bad input once it is allowed. */
async function request({ id, method, path }: Operation, key: string | undefined): Promise<Answer> {
  const { name, job } = onImages.has(id) ? await newImage() : { name: 'no-such-image', job: 'no-such-job' };
  const values: Readonly<Record<string, string>> = {
    name,
    jobId: job,
    number: '1',
    user: 'viewer',
    id: 'x',
    limit: 'x',
  };
  const ofWorkspace = path.startsWith('/v1/workspaces/{name}/') ? 'team' : undefined;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, part: string) =>
    ofWorkspace && part === 'name' ? ofWorkspace : (values[part] ?? 'x'),
  );
  const body = method === 'GET' ? undefined : (bodies[id] ?? {});
  // The events of a job that waits, and those of all images and runs, have no end.
  const isEndless = id === 'followJob' || id === 'followImages' || id === 'followTestRuns';
  if (!isEndless) return ask(method, filled, { key, ...(body !== undefined && { body }) });
  const over = new AbortController();
  const headers: Record<string, string> = key === undefined ? {} : { 'rime-api-key': key };
  const answer = await fetch(`${instance.url}${filled}`, { headers, signal: over.signal });
  over.abort();
  return { status: answer.status, headers: answer.headers, text: '', data: { code: 16, message: 'x', details: [] } };
}

test('every operation needs the right that is meant for it', () => {
  const given = Object.fromEntries(operations.map(({ id, right }) => [id, right]));
  const meant = Object.fromEntries(
    Object.entries(operationsByRight).flatMap(([right, ids]) => ids.map((id) => [id, right])),
  );
  assert.deepEqual(given, meant);
});

test('nobody without an account gets further than what is public, also below the path for old clients', async () => {
  for (const operation of operations) {
    for (const key of [undefined, 'mir_wrong', '\u00e4'.repeat(300)]) {
      const answer = await request({ ...operation, id: '' }, key);
      if (operation.right === 'public') {
        assert.ok(answer.status !== 401 && answer.status !== 403, `${operation.id}: ${answer.status} ${answer.text}`);
      } else assertRefused(answer, 401, /API key/);
      assert.doesNotMatch(answer.text, /mir_wrong/);
    }
    const old = await request({ ...operation, id: '', path: `/compat/0.20${operation.path}` }, undefined);
    assert.ok(old.status === 401 || old.status === 404, `${operation.id}: ${old.status}`);
  }
});

for (const right of Object.keys(accountsByRight)) {
  test(`the right to ${right} is had by whom the design names, and by nobody else`, async () => {
    const wrong: string[] = [];
    for (const operation of operations.filter((one) => one.right === right)) {
      for (const account of accounts) {
        if (operation.id === 'signOut' && account === 'admin') continue;
        const answer = await request(operation, keyOf(account));
        const isAllowed = answer.status !== 401 && answer.status !== 403;
        if (answer.status >= 400) assertErrorBody(answer);
        assert.ok(answer.status < 500, `${operation.id}: ${answer.text}`);
        if (isAllowed !== accountsByRight[right]?.includes(account)) {
          wrong.push(`${operation.id} by ${account}: ${answer.status} ${answer.text}`);
        }
        if (answer.status === 403) assert.match(answer.text, /administrator/, 'says who may');
      }
    }
    assert.deepEqual(wrong, []);
  });
}

test('the set-up link works in the browser that opened it first, once', () => {
  assert.equal(firstAnswers.opened.status, 200);
  assertRefused(firstAnswers.elsewhere, 401, /opened elsewhere/);
  assert.equal(firstAnswers.chosen.status, 200);
  assertRefused(firstAnswers.again, 401, /set-up link/);
});

test('a token acts with the rights that its owner has now', async () => {
  const key = await newAccount('riser', 'team');
  const remove = async () => (await ask('DELETE', `/v1/images/${(await newImage()).name}`, { key })).status;
  assert.equal(await remove(), 403);
  await succeeding(asAdmin('PATCH', '/v1/users/riser', { body: { role: 'support' } }));
  assert.equal(await remove(), 200);
  await succeeding(asAdmin('PATCH', '/v1/users/riser', { body: { role: 'member' } }));
  assert.equal(await remove(), 403);
  const alter = async () =>
    (await ask('PATCH', `/v1/images/${(await newImage()).name}`, { key, body: { requirements: ['idna'] } })).status;
  assert.equal(await alter(), 403);
  await succeeding(asAdmin('PUT', '/v1/workspaces/team/members/riser', { body: { role: 'admin' } }));
  assert.equal(await alter(), 200);
  await succeeding(asAdmin('PUT', '/v1/workspaces/team/members/riser', { body: { role: 'viewer' } }));
  assert.equal(await alter(), 403);
  await succeeding(asAdmin('PATCH', '/v1/users/riser', { body: { isActive: false } }));
  assertRefused(await ask('GET', '/v1/me', { key }), 401);
  await succeeding(asAdmin('PATCH', '/v1/users/riser', { body: { isActive: true } }));
  assert.equal((await ask('GET', '/v1/me', { key })).status, 200);
  await succeeding(asAdmin('DELETE', '/v1/workspaces/team/members/riser'));
  assertRefused(await ask('GET', '/v1/me', { key }), 401);
});

async function newAccount(name: string, workspace: string): Promise<string> {
  await succeeding(asAdmin('POST', '/v1/users', { body: { name } }));
  return newKey(name, workspace);
}

test('a revoked token is refused at once; nobody revokes, or learns of, the tokens of others', async () => {
  const key = await newAccount('revoker', 'team');
  const own = await succeeding(ask('POST', '/v1/api-tokens', { key, body: { name: 'own', workspace: 'team' } }));
  // A token acts in its workspace, so it makes none for another one.
  assertRefused(await ask('POST', '/v1/api-tokens', { key, body: { name: 'own', workspace: 'default' } }), 403);
  const id = textAt(own.data, 'token', 'id');
  const other = await ask('DELETE', `/v1/api-tokens/${id}`, { key: keyOf('member') });
  const none = await ask('DELETE', '/v1/api-tokens/00000000-0000-4000-8000-000000000000', { key: keyOf('member') });
  assertRefused(other, 404);
  assert.equal(other.text.replaceAll(id, 'ID'), none.text.replaceAll(/0{8}\S+0{12}/g, 'ID'), 'as if there were none');
  assert.equal((await ask('GET', '/v1/me', { key: textAt(own.data, 'secret') })).status, 200);
  await succeeding(ask('DELETE', `/v1/api-tokens/${id}`, { key }));
  assertRefused(await ask('GET', '/v1/me', { key: textAt(own.data, 'secret') }), 401);
  assertRefused(await ask('DELETE', `/v1/api-tokens/${id}`, { key }), 404);
  assertRefused(await ask('GET', '/v1/api-tokens?all=true', { key }), 403);
  assert.doesNotMatch((await ask('GET', '/v1/api-tokens', { key })).text, /"admin"|secret|hash/);
});

test('an administrator of a workspace lists and revokes the tokens of its members, without their secrets', async () => {
  const key = await newAccount('leaver', 'team');
  await newKey('leaver', 'other');
  const list = async (workspace: string, by: Account) =>
    ask('GET', `/v1/workspaces/${workspace}/api-tokens`, { key: keyOf(by) });
  const listed = await succeeding(list('team', 'team-admin'));
  assert.doesNotMatch(listed.text, /secret|hash|mir_/);
  const tokens = listAt(listed.data, 'tokens');
  assert.deepEqual([...new Set(tokens.map((one) => at(one, 'workspace')))], ['team']);
  const [found] = tokens.filter((one) => at(one, 'user') === 'leaver');
  assertRefused(await list('other', 'team-admin'), 403, /administrators of the workspace/);
  await succeeding(ask('DELETE', `/v1/api-tokens/${textAt(found, 'id')}`, { key: keyOf('team-admin') }));
  assertRefused(await ask('GET', '/v1/me', { key }), 401);
  const left = listAt((await succeeding(list('team', 'team-admin'))).data, 'tokens');
  assert.ok(left.every((one) => at(one, 'user') !== 'leaver'));
});

test('a token that has expired is refused, and no longer listed', async () => {
  const key = await newAccount('expirer', 'team');
  const mine = async () => listAt((await ask('GET', '/v1/api-tokens', { key })).data, 'tokens');
  const [token] = await mine();
  assert.equal((await ask('GET', '/v1/me', { key })).status, 200);
  await queryInstance(instance.home, 'update api_tokens set expires_at = now() where id = $1', [textAt(token, 'id')]);
  assertRefused(await ask('GET', '/v1/me', { key }), 401, /expired/);
  const everybodys = await succeeding(asAdmin('GET', '/v1/api-tokens?all=true'));
  assert.doesNotMatch(everybodys.text, /expirer/);
  const { host } = new URL(instance.url);
  const authorization = `Basic ${Buffer.from(`anybody:${key}`).toString('base64')}`;
  assert.equal((await fetch(`http://${host}/v2/`, { headers: { authorization } })).status, 401);
});

test('whoever may not make tokens for others is not told which accounts there are', async () => {
  const make = (user: string) => ask('POST', '/v1/api-tokens', { key: keyOf('member'), body: { user } });
  const [known, unknown] = [await make('vp'), await make('nobody-at-all')];
  assertRefused(known, 403);
  assertRefused(unknown, 403);
  assert.equal(known.text, unknown.text);
  const wrong = { name: 'vp', password: 'not the password' };
  const signIn = (body: object) => ask('POST', '/v1/sign-in', { body, headers: { origin: instance.url } });
  assert.equal((await signIn(wrong)).text, (await signIn({ ...wrong, name: 'nobody-at-all' })).text);
});

test('the browser’s cookie is refused when a page of another site sends it', async () => {
  const headers = { origin: instance.url };
  const body = { name: 'admin', password: adminPassword };
  const signedIn = await succeeding(ask('POST', '/v1/sign-in', { body, headers }));
  assert.match(signedIn.headers.getSetCookie().join(), /HttpOnly.*SameSite=Strict/);
  const cookie = cookieOf(signedIn.headers);
  const make = (more: Record<string, string>) =>
    ask('POST', '/v1/workspaces', { body: { name: 'forged' }, headers: { cookie, ...more } });
  for (const forged of [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site', origin: instance.url },
    { 'sec-fetch-site': 'same-site' },
    {},
  ]) {
    assertRefused(await make(forged), 403, /another site/);
  }
  assert.equal((await ask('GET', '/v1/me', { headers: { cookie } })).status, 200);
  assert.equal((await make(headers)).status, 200);
  await succeeding(ask('POST', '/v1/sign-out', { headers: { cookie, ...headers }, body: {} }));
  assertRefused(await ask('GET', '/v1/me', { headers: { cookie } }), 401);
});

test('wrong passwords are tried ten times, and then no more, not even the right one', async () => {
  const password = 'the right password';
  await succeeding(asAdmin('POST', '/v1/users', { body: { name: 'guessed', password } }));
  const signIn = (text: string) =>
    ask('POST', '/v1/sign-in', { body: { name: 'guessed', password: text }, headers: { origin: instance.url } });
  for (let count = 0; count < 10; count += 1) assertRefused(await signIn('a wrong password'), 401);
  assertRefused(await signIn('a wrong password'), 429);
  assertRefused(await signIn(password), 429);
  const entries = await succeeding(asAdmin('GET', '/v1/audit?user=guessed&action=sign-in&outcome=refused'));
  assert.ok(listAt(entries.data, 'entries').length >= 10);
});

test('the last administrator can be neither demoted, nor deactivated, nor deleted', async () => {
  assertRefused(await asAdmin('PATCH', '/v1/users/admin', { body: { role: 'member' } }), 400, /last/);
  assertRefused(await asAdmin('PATCH', '/v1/users/admin', { body: { isActive: false } }), 400, /last/);
  assertRefused(await asAdmin('DELETE', '/v1/users/admin'), 400, /last/);
  assert.equal((await asAdmin('GET', '/v1/me')).status, 200);
});

test('every refusal is in the audit log: who, what, and of which request', async () => {
  const requestId = 'a-refusal-that-is-looked-for';
  const { name } = await newImage();
  await ask('DELETE', `/v1/images/${name}`, { key: keyOf('member'), headers: { 'x-request-id': requestId } });
  const { data } = await succeeding(
    asAdmin('GET', '/v1/audit?outcome=refused&user=member&action=deleteImage&pageSize=1'),
  );
  const [entry] = listAt(data, 'entries');
  assert.deepEqual([at(entry, 'requestId'), at(entry, 'subject')], [requestId, `/v1/images/${name}`]);
});

test('requests without an account fill the audit log with no more than two entries a minute and address', async () => {
  const entries = async () => {
    const { data } = await succeeding(asAdmin('GET', `/v1/audit?outcome=refused&since=${since}&pageSize=1000`));
    return listAt(data, 'entries').filter((one) => at(one, 'user') === null);
  };
  const since = new Date().toISOString();
  for (let sent = 0; sent < 300; sent += 1) assert.equal((await ask('GET', '/v1/search')).status, 401);
  assert.ok((await entries()).length <= 2, JSON.stringify(await entries()));
  // What was counted is written down at the end of the minute, and when the server ends.
  await instance.stop();
  await instance.start();
  const written = await entries();
  assert.ok(written.length <= 4, JSON.stringify(written));
  const requests = written.reduce<number>((sum, one) => sum + Number(at(one, 'new', 'requests') ?? 1), 0);
  assert.ok(requests >= 300, JSON.stringify(written));
  assert.ok(written.every((one) => at(one, 'address') === '127.0.0.1'));
});
