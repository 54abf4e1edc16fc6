import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asker, readyImage, wants } from './support/api.ts';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import { startInstance } from './support/instance.ts';

/** Who may ask what of an instance: every route that it describes, with every role. */

const roles = [
  'nobody',
  'a revoked key',
  'viewer',
  'member',
  'creator',
  'workspace administrator',
  'another workspace’s administrator',
  'support',
  'administrator',
] as const;
type Role = (typeof roles)[number];

/** The rights of DESIGN section 6: who has them, of those who have an account. */
const holders: Readonly<Record<string, readonly Role[]>> = {
  public: [...roles],
  see: roles.slice(2),
  own: roles.slice(2),
  create: roles.slice(2),
  change: ['creator', 'workspace administrator', 'support', 'administrator'],
  remove: ['support', 'administrator'],
  administer: ['support', 'administrator'],
  manageWorkspace: ['workspace administrator', 'support', 'administrator'],
};

/** What each operation needs. A route that is added has to be added here by somebody who thinks about it. */
const rightOf: Readonly<Record<string, readonly string[]>> = {
  public: ['isAlive', 'isReady', 'getMetrics', 'describeApi', 'signIn', 'openSetUp', 'setUp'],
  own: [
    'signOut',
    'getMe',
    'listApiTokens',
    'createApiToken',
    'deleteApiToken',
    'createOriginalApiToken',
    'listOriginalApiTokens',
    'deleteOriginalApiToken',
  ],
  see: [
    'getImage',
    'listImages',
    'listImagesPlainly',
    'getServerInfo',
    'getLimit',
    'getJob',
    'getLog',
    'getLog2',
    'getLog3',
    'matchImages',
    'searchImages',
    'getImageDetails',
    'diffImages',
    'listVersions',
    'getVersion',
    'getLock',
    'getVersionLog',
    'listJobs',
    'getJobDetails',
    'followJob',
    'listImageTypes',
    'listBases',
    'completePackageName',
    'getStorage',
    'listNearDuplicates',
    'listUpdates',
    'getUpdate',
    'listWorkspaces',
    'listMembers',
  ],
  create: ['createImage', 'planImage', 'ensureImage', 'startUse', 'endUse'],
  change: ['alterImage', 'retryImage', 'rollBackImage', 'rebaseImage', 'cancelJob'],
  remove: ['deleteImage', 'listRemovedImages', 'restoreImage'],
  administer: [
    'readAudit',
    'exportAudit',
    'getSettings',
    'listUsers',
    'createUser',
    'getUser',
    'alterUser',
    'deleteUser',
    'createWorkspace',
    'deleteWorkspace',
    'previewUpdate',
    'applyUpdate',
    'haltUpdate',
    'resumeUpdate',
    'revertUpdate',
  ],
  manageWorkspace: ['setMember', 'removeMember'],
};

type Operation = { readonly id: string; readonly method: string; readonly path: string; readonly right: string };

const cleanup = cleanupOf({ after });
const asks = new Map<Role, Ask>();
let operations: readonly Operation[];
let url: string;
let administrator: Ask;

before(async () => {
  const instance = await startInstance(await warmHome(cleanup), cleanup);
  url = instance.url;
  administrator = asker(url, instance.administratorKey);
  asks.set('nobody', asker(url)).set('administrator', administrator);
  for (const name of ['team', 'elsewhere']) await wants(administrator, 'POST', '/v1/workspaces', { name });
  const account = async (name: string, workspace: string, role: string, organization = 'member') => {
    await wants(administrator, 'POST', '/v1/users', { name, role: organization });
    await wants(administrator, 'PUT', `/v1/workspaces/${workspace}/members/${name}`, { role });
    const { secret, token } = await wants(administrator, 'POST', '/v1/api-tokens', { user: name, workspace });
    return { ask: asker(url, secret), id: token.id as string };
  };
  asks.set('viewer', (await account('viewer', 'team', 'viewer')).ask);
  asks.set('member', (await account('somebody', 'team', 'member')).ask);
  asks.set('creator', (await account('creator', 'team', 'member')).ask);
  asks.set('workspace administrator', (await account('chief', 'team', 'admin')).ask);
  asks.set('another workspace’s administrator', (await account('stranger', 'elsewhere', 'admin')).ask);
  asks.set('support', (await account('support', 'team', 'member', 'support')).ask);
  const revoked = await account('revoked', 'team', 'member');
  await wants(administrator, 'DELETE', `/v1/api-tokens/${revoked.id}`);
  asks.set('a revoked key', revoked.ask);
  await readyImage(asks.get('creator') as Ask, 'owned', { requirements: ['six==1.16.0'] });
  const { paths } = await wants(administrator, 'GET', '/openapi.json');
  operations = Object.entries(
    paths as Record<string, Record<string, { operationId: string; 'x-right': string }>>,
  ).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({
      id: one.operationId,
      method: method.toUpperCase(),
      path,
      right: one['x-right'],
    })),
  );
});

/** A request to an operation that changes nothing, however it is decided: what it names is not there, or asked for is nothing. */
function harmless({ path, id }: Operation): string {
  const nothing: Readonly<Record<string, string>> = {
    name: 'nothing-there',
    user: 'no-one',
    id: '00000000-0000-0000-0000-000000000000',
    jobId: '00000000-0000-0000-0000-000000000000',
    number: '1',
  };
  const filled = path
    .replace('/v1/workspaces/{name}/members', '/v1/workspaces/team/members')
    .replace(/\{(\w+)\}/g, (_, name: string) => nothing[name] ?? 'LICENSE_LIMIT_EXPIRATION');
  return id === 'restoreImage' ? filled.replace('00000000-0000-0000-0000-000000000000', '999999') : filled;
}

/** Routes that end a session, or a stream that would not end by itself. */
const leftOut = ['signOut', 'followJob'];

test('every operation needs the right that the design gives it', () => {
  const wanted = new Map(Object.entries(rightOf).flatMap(([right, ids]) => ids.map((id) => [id, right] as const)));
  assert.deepEqual(
    operations.map(({ id, right }) => `${id}: ${right}`).sort(),
    operations.map(({ id }) => `${id}: ${wanted.get(id) ?? 'not in the table of this test'}`).sort(),
  );
});

test('every route lets those in who have its right, and nobody else', async () => {
  const wrong: string[] = [];
  for (const operation of operations.filter(({ id }) => !leftOut.includes(id))) {
    for (const role of roles) {
      const ask = asks.get(role) as Ask;
      const { status, data } = await ask(
        operation.method,
        harmless(operation),
        operation.method === 'GET' ? undefined : {},
      );
      const isKnown = role !== 'nobody' && role !== 'a revoked key';
      // A right on somebody's thing is asked again where the thing is known; here there is none, and any account gets as far as that.
      const isOwned = operation.right === 'change';
      const mayEnter = (holders[operation.right] ?? []).includes(role) || (isOwned && isKnown);
      const wasRefused = status === 401 || status === 403;
      // Of a workspace, its administrators are asked for when it is known which.
      const isElsewhere = operation.right === 'manageWorkspace' && role === 'another workspace’s administrator';
      const expected = operation.right === 'public' ? undefined : isKnown ? 403 : 401;
      const isPublicRefusal = operation.right === 'public' && ['signIn', 'openSetUp', 'setUp'].includes(operation.id);
      if (isPublicRefusal) continue;
      if (isElsewhere ? status === 200 : mayEnter ? wasRefused : status !== expected) {
        wrong.push(`${operation.id} as ${role}: ${status} ${JSON.stringify(data).slice(0, 100)}`);
      }
      if (status >= 500) wrong.push(`${operation.id} as ${role}: ${status}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('an image is altered by its creator, its workspace’s administrators and the organization’s, and by nobody else', async () => {
  for (const [path, body] of [
    ['/v1/images/owned', { osPackages: [] }],
    ['/v1/images/owned/rollback', { version: 99 }],
    ['/v1/images/owned/rebase', { base: 'nonsense' }],
  ] as const) {
    for (const role of roles) {
      const { status } = await (asks.get(role) as Ask)(path === '/v1/images/owned' ? 'PATCH' : 'POST', path, body);
      const may = holders['change']?.includes(role) === true;
      const refused = role === 'nobody' || role === 'a revoked key' ? 401 : 403;
      assert.ok(may ? status === 400 || status === 404 : status === refused, `${path} as ${role}: ${status}`);
    }
  }
});

test('only administrators remove an image; for others it stays', async () => {
  for (const role of roles.filter((one) => holders['remove']?.includes(one) !== true)) {
    const { status } = await (asks.get(role) as Ask)('DELETE', '/v1/images/owned', {});
    assert.ok(status === 401 || status === 403, `${role}: ${status}`);
  }
  await wants(administrator, 'GET', '/v1/images/owned');
});

test('a token has no more rights than its owner has now', async () => {
  await wants(administrator, 'POST', '/v1/users', { name: 'falling', role: 'admin' });
  const { secret } = await wants(administrator, 'POST', '/v1/api-tokens', { user: 'falling' });
  const falling = asker(url, secret);
  await wants(falling, 'GET', '/v1/users');
  await wants(administrator, 'PATCH', '/v1/users/falling', { role: 'member' });
  assert.equal((await falling('GET', '/v1/users')).status, 403);
  await wants(falling, 'GET', '/v1/images');
  await wants(administrator, 'PATCH', '/v1/users/falling', { isActive: false });
  assert.equal((await falling('GET', '/v1/images')).status, 401);
});

test('nobody makes a token for somebody else, or sees or deletes theirs, who is no administrator', async () => {
  const member = asks.get('member') as Ask;
  assert.equal((await member('POST', '/v1/api-tokens', { user: 'creator' })).status, 403);
  assert.equal((await member('POST', '/v1/api-tokens', { workspace: 'elsewhere' })).status, 403);
  assert.equal((await member('GET', '/v1/api-tokens?all=true')).status, 403);
  const { token } = await wants(administrator, 'POST', '/v1/api-tokens', { user: 'creator' });
  assert.equal((await member('DELETE', `/v1/api-tokens/${token.id}`)).status, 404);
  const { tokens } = await wants(member, 'GET', '/v1/api-tokens');
  assert.ok(tokens.every(({ user }: { user: string }) => user === 'somebody'));
});

test('the cookie of a browser counts for the instance’s own pages only', async () => {
  await wants(administrator, 'POST', '/v1/users', { name: 'browsing', password: 'long enough for it' });
  const signed = await fetch(`${url}/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'browsing', password: 'long enough for it' }),
  });
  const [cookie = ''] = signed.headers.getSetCookie();
  assert.match(cookie, /HttpOnly/i);
  assert.match(cookie, /SameSite=Strict/i);
  const send = (headers: Record<string, string>) =>
    fetch(`${url}/v1/api-tokens`, {
      method: 'POST',
      headers: { cookie: cookie.split(';', 1)[0] ?? '', 'content-type': 'application/json', ...headers },
      body: '{}',
    });
  assert.equal((await send({ origin: 'https://evil.example' })).status, 403);
  assert.equal((await send({ 'sec-fetch-site': 'cross-site', origin: url })).status, 403);
  assert.equal((await send({})).status, 403);
  assert.equal((await send({ 'sec-fetch-site': 'same-origin' })).status, 200);
});

test('after ten wrong passwords an account has to wait, whatever the next one is; refusals are in the audit log', async () => {
  await wants(administrator, 'POST', '/v1/users', { name: 'guessed', password: 'the right password' });
  const nobody = asks.get('nobody') as Ask;
  for (let at = 0; at < 10; at += 1) {
    assert.equal(
      (await nobody('POST', '/v1/sign-in', { name: 'guessed', password: `guess number ${at}` })).status,
      401,
    );
  }
  assert.equal((await nobody('POST', '/v1/sign-in', { name: 'guessed', password: 'the right password' })).status, 429);
  const { entries } = await wants(
    administrator,
    'GET',
    '/v1/audit?user=guessed&action=sign-in&outcome=refused&pageSize=50',
  );
  assert.equal(entries.length, 10);
});
