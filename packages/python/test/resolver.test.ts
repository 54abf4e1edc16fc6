import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { isFault } from '@mir/core';
import {
  defaultIndexUrl,
  downloadHeaders,
  findUv,
  formatLock,
  type IndexSettings,
  indexSettingsOfMachine,
  lockIdentity,
  parseLock,
  parseRequirement,
  resolve,
  type Target,
} from '../src/index.ts';

const cacheDirectory = mkdtempSync(join(tmpdir(), 'mir-resolver-'));
after(() => rmSync(cacheDirectory, { recursive: true, force: true }));

const target: Target = { pythonVersion: '3.11.2', architecture: 'amd64', libc: { family: 'glibc', version: '2.36' } };
const machine = await indexSettingsOfMachine(process.env);
// Two at once, as two builds on a fresh machine would ask.
const [uv] = await Promise.all([
  findUv({ cacheDirectory, environment: process.env }),
  findUv({ cacheDirectory, environment: process.env }),
]);

function ask(
  texts: readonly string[],
  changes: {
    readonly target?: Target;
    readonly index?: IndexSettings;
    readonly constraints?: readonly string[];
    readonly hashes?: readonly string[];
    readonly excludeNewer?: string;
  } = {},
) {
  return resolve({
    requirements: texts.map((text, index) => ({
      ...parseRequirement(text, { file: 'requirements.txt', line: index + 1 }),
      ...(changes.hashes !== undefined && { hashes: changes.hashes }),
    })),
    constraints: (changes.constraints ?? []).map((text) => parseRequirement(text)),
    target: changes.target ?? target,
    index: changes.index ?? machine,
    uv,
    cacheDirectory,
    ...(changes.excludeNewer !== undefined && { excludeNewer: changes.excludeNewer }),
  });
}

test('uv is there, once, whole and nothing beside it', () => {
  assert.ok(existsSync(uv.path));
  assert.deepEqual(
    readdirSync(cacheDirectory).filter((name) => name.startsWith('uv-download')),
    [],
  );
});

test('requirements become a lock with one wheel each, which is read again as it was written', async () => {
  const lock = await ask(['pandas==2.2.3', 'six'], {
    constraints: ['six<1.17', 'numpy<2'],
    excludeNewer: '2025-01-01T00:00:00Z',
  });
  assert.deepEqual(
    lock.packages.map(({ name, version, direct }) => `${name} ${version}${direct === true ? ' direct' : ''}`),
    [
      'numpy 1.26.4',
      'pandas 2.2.3 direct',
      'python-dateutil 2.9.0.post0',
      'pytz 2024.2',
      'six 1.16.0 direct',
      'tzdata 2024.2',
    ],
  );
  const pandas = lock.packages[1]?.wheel;
  assert.equal(pandas?.filename, 'pandas-2.2.3-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl');
  const text = formatLock(lock, { addresses: true });
  assert.deepEqual(parseLock(text, target), lock);
  const plain = formatLock(lock, { addresses: false });
  assert.doesNotMatch(plain, /https?:|direct|2\.36/);
  assert.equal(lockIdentity(parseLock(plain, target)), lockIdentity(lock));
  const mirrored = {
    ...lock,
    packages: lock.packages.map((locked) => ({
      ...locked,
      wheel: { ...locked.wheel, url: 'https://mirror.example/x.whl' },
    })),
  };
  assert.equal(lockIdentity(mirrored), lockIdentity(lock));
  const arm = await ask(['numpy==1.26.4'], {
    target: { ...target, architecture: 'arm64', libc: { family: 'musl', version: '1.2' } },
  });
  assert.match(arm.packages[0]?.wheel.filename ?? '', /musllinux_1_1_aarch64/);
});

const cannot: readonly (readonly [string, readonly string[], RegExp, RegExp])[] = [
  [
    'resolution/no-such-package',
    ['six', 'sklearn-does-not-exist-at-all'],
    /^requirements\.txt:2: .*"sklearn-does-not-exist-at-all"/,
    /spelling/,
  ],
  ['resolution/no-such-version', ['six>99'], /six>99.*newest.* is 1\.\d+/, /six==1\./],
  [
    'resolution/no-wheel',
    ['pandas==0.20.3'],
    /pandas==0\.20\.3 has no wheel for Python 3\.11\.2 on amd64/,
    /pandas==\d/,
  ],
  ['resolution/no-wheel', ['torch==1.10.0'], /cp39/, /torch==\d/],
  ['resolution/conflict', ['numpy<1.20', 'pandas==2.2.0'], /pandas==2\.2\.0 depends on numpy/, /Loosen/],
  ['resolution/conflict', ['six==1.15', 'six==1.16'], /six==1\.15 and six==1\.16/, /Loosen/],
];
for (const [code, texts, what, hint] of cannot) {
  test(`${texts.join(' and ')} is told as ${code}`, async () => {
    await assert.rejects(ask(texts), (thrown) => {
      assert.ok(isFault(thrown), String(thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.message, what);
      assert.match(thrown.hint, hint);
      return true;
    });
  });
}

test('another Python, another hash and an old libc are told as such', async () => {
  await assert.rejects(
    ask(['ipython==9.0.0'], { target: { ...target, pythonVersion: '3.9.2' } }),
    (thrown) => isFault(thrown, 'resolution/wrong-python') && /3\.11.*3\.9\.2/.test(thrown.message),
  );
  await assert.rejects(ask(['six==1.16.0'], { hashes: [`sha256:${'0'.repeat(64)}`] }), {
    code: 'resolution/hash-mismatch',
  });
  await assert.rejects(ask(['six'], { target: { ...target, libc: { family: 'glibc', version: '2.12' } } }), {
    code: 'resolution/unsupported-platform',
  });
});

test('an index that refuses, fails or is not there is told without its credentials', async (t) => {
  const origin = await answering(t);
  const cases: readonly (readonly [string, string])[] = [
    [`http://user:s3cret-word@${origin}/401/simple`, 'resolution/unauthorized'],
    [`http://user:s3cret-word@${origin}/403/simple`, 'resolution/unauthorized'],
    [`http://user:s3cret-word@${origin}/404/simple`, 'resolution/no-such-package'],
    ['http://user:s3cret-word@127.0.0.1:1/simple', 'resolution/unreachable'],
  ];
  await Promise.all(
    cases.map(([indexUrl, code]) =>
      assert.rejects(ask(['six'], { index: { ...machine, indexUrl } }), (thrown) => {
        assert.ok(isFault(thrown), String(thrown));
        assert.equal(thrown.code, code, thrown.message);
        assert.doesNotMatch(JSON.stringify(thrown) + thrown.stack, /s3cret-word/);
        return true;
      }),
    ),
  );
});

test('a lock by somebody else is read, or refused with the reason', () => {
  const wheel = (name: string, rest = `hashes = { sha256 = "${'a'.repeat(64)}" }, size = 5`) =>
    `{ name = "${name}", url = "https://x.example/${name}", ${rest} }`;
  const lock = (packages: string, head = 'lock-version = "1.0"\ncreated-by = "x"\n') => `${head}${packages}`;
  const six = (wheels: string, more = '') =>
    `[[packages]]\nname = "six"\nversion = "1.16.0"\n${more}wheels = [${wheels}]\n`;
  const sound = wheel('six-1.16.0-py2.py3-none-any.whl');
  assert.equal(parseLock(lock(six(sound)), target).packages[0]?.wheel.sizeBytes, 5);
  assert.deepEqual(parseLock(lock(six(sound, 'marker = "os_name == \'nt\'"\n')), target).packages, []);
  const cases: readonly (readonly [string, string])[] = [
    ['lock/malformed', 'x ='],
    ['lock/malformed', lock('packages = 3\n')],
    ['lock/malformed', lock(six(wheel('flask-1.0-py3-none-any.whl')))],
    ['lock/unsupported-version', lock('', 'lock-version = "2.0"\n')],
    ['lock/wrong-python', lock('', 'lock-version = "1.0"\nrequires-python = ">=3.12"\n')],
    ['lock/no-wheel', lock('[[packages]]\nname = "six"\nsdist = { url = "https://x.example/six.tar.gz" }\n')],
    ['lock/no-wheel', lock(six(wheel('six-1.16.0-cp311-cp311-win_amd64.whl')))],
    ['lock/no-hash', lock(six(wheel('six-1.16.0-py3-none-any.whl', 'size = 5')))],
    ['lock/no-size', lock(six(wheel('six-1.16.0-py3-none-any.whl', `hashes = { sha256 = "${'a'.repeat(64)}" }`)))],
    ['lock/ambiguous', lock(six(sound) + six(sound))],
  ];
  for (const [code, text] of cases) assert.throws(() => parseLock(text, target), { code }, text);
});

test('the index of the machine is found where its tools keep it; credentials go to their origin only', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'mir-home-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const configuration = join(home, 'pip.conf');
  writeFileSync(
    configuration,
    '[global]\nindex-url = https://u:p%40w@index.example/simple\nextra-index-url =\n    https://one.example/simple\n    https://two.example/simple\n# x\n[list]\nindex-url = https://wrong.example\n',
  );
  const fromFile = await indexSettingsOfMachine({ HOME: home, XDG_CONFIG_DIRS: home, PIP_CONFIG_FILE: configuration });
  assert.equal(fromFile.indexUrl, 'https://u:p%40w@index.example/simple');
  assert.deepEqual(fromFile.extraIndexUrls, ['https://one.example/simple', 'https://two.example/simple']);
  const chosen = await indexSettingsOfMachine({
    HOME: home,
    PIP_CONFIG_FILE: configuration,
    MIR_INDEX_URL: 'https://mine.example/simple',
    PIP_INDEX_URL: 'https://other.example',
  });
  assert.equal(chosen.indexUrl, 'https://mine.example/simple');
  assert.deepEqual(downloadHeaders(fromFile, 'https://index.example/files/x.whl'), {
    authorization: `Basic ${Buffer.from('u:p@w').toString('base64')}`,
  });
  for (const other of [
    'https://index.example.evil/x',
    'http://index.example/x',
    'https://index.example:8443/x',
    'https://evil/index.example',
  ])
    assert.deepEqual(downloadHeaders(fromFile, other), {});
  await assert.rejects(
    indexSettingsOfMachine({ HOME: home, PIP_CONFIG_FILE: '/dev/null', MIR_INDEX_URL: 'ftp://u:secret@x' }),
    (thrown) => isFault(thrown, 'index/malformed') && !thrown.message.includes('secret'),
  );
});

test('no uv and no pip is a fault that says how to get it', async (t) => {
  const empty = mkdtempSync(join(tmpdir(), 'mir-empty-'));
  t.after(() => rmSync(empty, { recursive: true, force: true }));
  await assert.rejects(
    findUv({ cacheDirectory: empty, environment: { PATH: empty } }),
    (thrown) => isFault(thrown, 'uv/missing') && /pip install uv==/.test(thrown.hint),
  );
  assert.deepEqual(readdirSync(empty), []);
});

async function answering(t: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(Number(request.url?.split('/')[1] ?? 500)).end();
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('uv tells which index it asks by itself, whatever the environment names', async (t) => {
  const named = process.env['UV_DEFAULT_INDEX'];
  process.env['UV_DEFAULT_INDEX'] = 'http://127.0.0.1:9/simple';
  t.after(() => {
    if (named === undefined) delete process.env['UV_DEFAULT_INDEX'];
    else process.env['UV_DEFAULT_INDEX'] = named;
  });
  const url = await defaultIndexUrl({ uv, cacheDirectory, timeoutSeconds: 30 });
  assert.match(url ?? '', /^https:\/\/[^/]+\/simple\/?$/);
});
