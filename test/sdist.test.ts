import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { copyHome, warmHome } from './support/home.ts';
import { at, clientOf, endOfJob, keyBySigningIn, succeeding, textAt } from './support/instance-client.ts';
import { adminPassword, InstanceProcess } from './support/instance-process.ts';
import { build, mir } from './support/mir.ts';
import { soundBackend, startSourceIndex } from './support/source-index.ts';

/** Tries what no build may reach, and says how that went by failing. */
const nosyBackend = (port: number) => `
import os, socket
def build_wheel(*_):
    try:
        socket.create_connection(("127.0.0.1", ${port}), 2)
        network = "reached"
    except OSError:
        network = "none"
    secrets = sorted(name for name in os.environ if name.startswith(("MIR_", "DATABASE", "PIP_", "UV_")))
    raise RuntimeError("error: network=%s secrets=%s user=%d sources=%s" % (network, secrets, os.getuid(), os.access("/opt", os.W_OK)))
`;
const otherBackend = soundBackend('other', '""').replaceAll('"other-1.0-py3', '"another-1.0-py3');
const bombBackend = soundBackend('bomb', '"#" * (256 << 20)')
  .replace(
    '.ZipFile(os.path.join(folder, name), "w")',
    '.ZipFile(os.path.join(folder, name), "w", zipfile.ZIP_DEFLATED)',
  )
  .replace('zipfile.ZipInfo(path)', 'path');
const clockBackend = `import time\n${soundBackend('clock', 'str(time.time_ns())')}`;

const cleanup = cleanupOf({ after });
const python = [
  '--python',
  '3.11',
  '--platform',
  process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64',
  '--allow-sdist',
];
let home: string;
let environment: Readonly<Record<string, string>>;

before(async () => {
  const index = await startSourceIndex(
    [
      { name: 'sound', backend: soundBackend('sound', '"value = 7"') },
      { name: 'nosy', backend: nosyBackend(await listeningPort()) },
      { name: 'other', backend: otherBackend },
      { name: 'clock', backend: clockBackend },
      { name: 'bomb', backend: bombBackend },
    ],
    cleanup,
  );
  environment = { MIR_EXTRA_INDEX_URL: index };
  home = await warmHome(cleanup);
  // The first one makes the toolchain.
  await build([...python, '-p', 'sound', '-t', 'team/sound:1'], { home, environment });
});

/** A port of this machine on which somebody takes calls. */
async function listeningPort(): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(async () => void server.close());
  return (server.address() as AddressInfo).port;
}

test('a package that has only sources is built from them, and works', async () => {
  const smoke = 'python -c "import sound; assert sound.value == 7"';
  const probed = await mir(['probe', 'team/sound:1', '--smoke', smoke], { home });
  assert.equal(probed.status, 0, probed.output + probed.errors);
});

test('without leave nothing is built from sources', async () => {
  const words = ['build', '--python', '3.11', '-p', 'sound', '-t', 'team/sound:2'];
  const refused = await mir(words, { home, environment });
  assert.equal(refused.status, 1);
  assert.match(refused.errors, /sound has no wheel/);
  assert.match(refused.errors, /--allow-sdist/, 'says that there is a way');
});

test('a real package with C code is built, and its lock gives the same image on another machine', async () => {
  const other = await copyHome(home, cleanup);
  const lock = join(await temporaryFolder(cleanup), 'pylock.toml');
  const built = await build([...python, '-p', 'crc16==0.1.1', '-t', 'team/crc:1', '--lock-out', lock], { home });
  const text = await readFile(lock, 'utf8');
  assert.match(text, /sdist = \{ name = "crc16-0\.1\.1\.tar\.gz"/);
  assert.match(text, /build-requires = \["[^\]]*setuptools==/);
  const refused = await mir(['build', '--lock', lock, '-t', 'team/crc:1'], { home: other });
  assert.match(refused.errors, /crc16-0\.1\.1\.tar\.gz.*--allow-sdist/s, 'a lock alone has nothing built');
  const again = await build(['--lock', lock, '--allow-sdist', '-t', 'team/crc:1'], { home: other });
  assert.equal(again.digest, built.digest);
});

test('what builds a package sees no network, no secret and nothing that it may change', async () => {
  const refused = await mir(['build', ...python, '-p', 'nosy', '-t', 'team/nosy:1'], {
    home,
    environment: { ...environment, DATABASE_URL: 'postgresql://nobody@127.0.0.1/none' },
  });
  assert.equal(refused.status, 1);
  assert.match(refused.errors, /nosy-1\.0\.tar\.gz could not be built/);
  assert.match(refused.errors, /network=none secrets=\[\] user=1000 sources=False/);
});

test('the wheel of another package is not taken for the one that was built', async () => {
  const refused = await mir(['build', ...python, '-p', 'other', '-t', 'team/other:1'], { home, environment });
  assert.equal(refused.status, 1);
  assert.match(refused.errors, /wheel of another package/);
});

test('a wheel that is a thousand times larger inside goes no further', async () => {
  const refused = await mir(['build', ...python, '-p', 'bomb', '-t', 'team/bomb:1'], { home, environment });
  assert.equal(refused.status, 1);
  assert.match(refused.errors, /wheel of \d+ bytes that says it holds 2\d{8}/);
});

test('a build that is different each time is refused where a lock says what it has to be', async () => {
  const other = await copyHome(home, cleanup);
  const lock = join(await temporaryFolder(cleanup), 'pylock.toml');
  await build([...python, '-p', 'clock', '-t', 'team/clock:1', '--lock-out', lock], { home, environment });
  const words = ['build', '--lock', lock, '--allow-sdist', '-t', 'team/clock:1'];
  const refused = await mir(words, { home: other, environment });
  assert.equal(refused.status, 1);
  assert.match(refused.errors, /not reproducible/);
  await writeFile(lock, (await readFile(lock, 'utf8')).replace(/url = "http:[^"]*"/, 'url = "file:///etc/passwd"'));
  assert.equal((await mir(words, { home: other })).status, 1);
});

test('an instance builds from sources where a spec says so', async () => {
  const instance = new InstanceProcess(home, cleanup, environment);
  await instance.start();
  const key = await keyBySigningIn(instance.url, 'admin', adminPassword);
  const ask = clientOf(
    () => instance.url,
    () => key,
  );
  const create = async (name: string, more: object) => {
    const body = { name, requirements: ['sound', 'crc16==0.1.1'], ...more };
    const { data } = await succeeding(ask('POST', '/v1/images', { body }));
    return endOfJob(ask, textAt(data, 'job', 'jobId'));
  };
  assert.equal(at(await create('without', {}), 'failure', 'code'), 'resolution/no-wheel');
  const job = await create('with', { allowSdist: true });
  assert.equal(at(job, 'status'), 'SUCCEEDED', JSON.stringify(at(job, 'failure')));
  const { data } = await succeeding(ask('GET', '/v1/images/with/versions/1'));
  assert.equal(at(data, 'version', 'probe', 'outcome'), 'passed');
});
