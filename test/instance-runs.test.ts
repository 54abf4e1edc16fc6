import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { tarArchive } from './support/archive.ts';
import { publishBase } from './support/bases.ts';
import { cleanupOf } from './support/cleanup.ts';
import { root, temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import {
  type Answer,
  type Ask,
  assertRefused,
  at,
  clientOf,
  endOfJob,
  keyBySigningIn,
  listAt,
  succeeding,
  textAt,
} from './support/instance-client.ts';
import { adminPassword, InstanceProcess } from './support/instance-process.ts';
import { run, succeed } from './support/program.ts';
import { registryAccount, startForeignRegistry } from './support/registry.ts';

const cleanup = cleanupOf({ after });
let instance: InstanceProcess;
/** A registry that is not ours, and wants a password. */
let registry = '';
let key = '';
let home = '';
let member = '';
const ask: Ask = clientOf(
  () => instance.url,
  () => key,
);

before(async () => {
  registry = await startForeignRegistry(cleanup, { wantsPassword: true });
  home = await warmHome(cleanup);
  instance = new InstanceProcess(home, cleanup, {
    MIR_BASE_REGISTRIES: registry,
    MIR_EXTERNAL_IMAGE_BYTES: '85000000',
  });
  await instance.start();
  key = await keyBySigningIn(instance.url, 'admin', adminPassword);
  await succeeding(ask('POST', '/v1/users', { body: { name: 'member' } }));
  member = textAt((await succeeding(ask('POST', '/v1/api-tokens', { body: { user: 'member' } }))).data, 'secret');
  const created = await succeeding(
    ask('POST', '/v1/images', { body: { name: 'fraud', requirements: ['six==1.16.0'] } }),
  );
  assert.equal(at(await endOfJob(ask, textAt(created.data, 'job', 'jobId')), 'status'), 'SUCCEEDED');
});

/** `mir` as somebody with a key runs it, in a folder. */
function mir(words: readonly string[], folder: string, environment: Readonly<Record<string, string>> = {}) {
  return run(join(root, 'mir'), words, {
    cwd: folder,
    environment: { MIR_URL: instance.url, MIR_API_KEY: key, ...environment },
  });
}

async function startRun(body: object, by = key): Promise<string> {
  const { data } = await succeeding(ask('POST', '/v1/test-runs', { key: by, body }));
  return textAt(data, 'run', 'id');
}

/** The output of a run, and how it ended. */
async function endOfRun(id: string, by = key): Promise<{ readonly lines: readonly unknown[]; readonly run: unknown }> {
  const { text } = await succeeding(ask('GET', `/v1/test-runs/${id}/events`, { key: by }));
  const lines = [...text.matchAll(/event: log\ndata: (.*)\n/g)].map(([, data]) => JSON.parse(data ?? ''));
  assert.match(text, /event: end\n/);
  return { lines, run: at((await succeeding(ask('GET', `/v1/test-runs/${id}`, { key: by }))).data, 'run') };
}

const printed = (lines: readonly unknown[], stream: string) =>
  lines.flatMap((line) => (at(line, 'stage') === stream ? [textAt(line, 'text')] : [])).join('\n');

const python = (code: string) => ({ image: 'fraud', command: ['python', '-c', code] });

test('a command runs in the image with the files of the folder, and what it leaves comes back', async (t) => {
  const folder = await temporaryFolder(cleanup);
  await mkdir(join(folder, 'tests'));
  await mkdir(join(folder, '.git'));
  await writeFile(join(folder, '.git/secret'), 'not for anybody');
  await writeFile(join(folder, 'run.sh'), '#!/bin/sh\necho from a script\n', { mode: 0o755 });
  await writeFile(
    join(folder, 'tests/test_six.py'),
    [
      'import os, six, unittest',
      'class Test(unittest.TestCase):',
      '    def test_six(self):',
      '        self.assertEqual(six.__version__, "1.16.0")',
      '        self.assertEqual(os.environ["COLOUR"], "green")',
      '        self.assertFalse(os.path.exists(".git"))',
      'os.makedirs(os.environ["MIR_OUTPUT"] + "/deep")',
      'open(os.environ["MIR_OUTPUT"] + "/deep/report.txt", "w").write("all is well")',
      'os.symlink("/etc/passwd", os.environ["MIR_OUTPUT"] + "/link")',
    ].join('\n'),
  );
  const words = ['run', '--image', 'fraud', '--env', 'COLOUR', '--output', 'out', '--'];
  const ran = await mir([...words, 'sh', '-c', './run.sh && python -m unittest discover tests'], folder, {
    COLOUR: 'green',
  });
  assert.equal(ran.status, 0, ran.errors);
  assert.equal(ran.output, 'from a script\n');
  assert.match(ran.errors, /Ran 1 test/);
  assert.match(ran.errors, /Left behind: .*link/);
  assert.equal(await readFile(join(folder, 'out/deep/report.txt'), 'utf8'), 'all is well');
  await t.test('and it is told of with the image that it ran in, and by whom', async () => {
    const listed = await mir(['runs', '--image', 'fraud'], folder);
    assert.match(listed.output, /fraud:v1 +SUCCEEDED \(0\) .* admin +sh -c/);
  });
});

test('the exit status of the command is that of mir run, and the run has failed', async () => {
  const folder = await temporaryFolder(cleanup);
  const ran = await mir(['run', '--image', 'fraud', '--no-files', '--', 'python', '-c', 'exit(7)'], folder);
  assert.equal(ran.status, 7);
  assert.match(ran.errors, /ended with status 7/);
  const missing = await mir(['run', '--image', 'fraud', '--no-files', '--', 'no-such-program', '--help'], folder);
  assert.equal(missing.status, 127, 'the fault of the command, not ours');
  assert.match(missing.errors, /no-such-program/);
});

test('output is shown whatever it is made of', async () => {
  const code = 'import sys; sys.stdout.buffer.write(b"a\\0b\\xff\\n" + b"x" * 200000); print("err", file=sys.stderr)';
  const { lines, run: ended } = await endOfRun(await startRun(python(code)));
  assert.equal(at(ended, 'status'), 'SUCCEEDED');
  assert.match(printed(lines, 'stdout'), /^a\ufffdb\ufffd\nx{1000}/);
  assert.equal(printed(lines, 'stdout').replaceAll('\n', '').length, 200004);
  assert.equal(printed(lines, 'stderr'), 'err');
});

test('files whose names cannot be kept stay behind, and the others come back', async () => {
  const code = [
    'import os; os.chdir(os.environ["MIR_OUTPUT"])',
    'for name in (b"\\xff", b"\\xfe", b"plain", b"/".join([b"d"] * 40)): os.makedirs(os.path.dirname(name) or b".", exist_ok=True); open(name, "w").write("x")',
  ].join('\n');
  const id = await startRun(python(code));
  const { run: ended } = await endOfRun(id);
  assert.equal(at(ended, 'status'), 'SUCCEEDED', JSON.stringify(ended));
  const { data } = await succeeding(ask('GET', `/v1/test-runs/${id}/files`));
  assert.deepEqual(
    listAt(data, 'files')
      .map((one) => at(one, 'path'))
      .sort(),
    ['plain', '\ufffd'],
  );
  assert.equal(listAt(ended, 'leftOut').length, 2);
});

test('a run that takes more than it may is ended, and says which limit it met', async () => {
  const slow = await startRun({ ...python('import time; time.sleep(600)'), timeLimitSeconds: 1 });
  assert.match(textAt((await endOfRun(slow)).run, 'failure', 'what'), /limit of time/);
  const large = { ...python('x = bytearray(900 * 1024 * 1024); print(len(x))'), resources: { memoryBytes: 200 << 20 } };
  const { run: ended } = await endOfRun(await startRun(large));
  assert.equal(at(ended, 'status'), 'FAILED');
});

test('an image that a test runs in is not removed, until the run is cancelled', async () => {
  const created = await succeeding(
    ask('POST', '/v1/images', { body: { name: 'busy', requirements: ['six==1.16.0'] } }),
  );
  assert.equal(at(await endOfJob(ask, textAt(created.data, 'job', 'jobId')), 'status'), 'SUCCEEDED');
  const id = await startRun({ image: 'busy', command: ['sleep', '600'] });
  assertRefused(await ask('DELETE', '/v1/images/busy'), 400, /in use by a test run of admin/);
  await succeeding(ask('POST', `/v1/test-runs/${id}/cancel`));
  const { run: ended } = await endOfRun(id);
  assert.equal(at(ended, 'status'), 'CANCELLED');
  assert.match(textAt(ended, 'failure', 'what'), /test run was cancelled/);
  assertRefused(await ask('POST', `/v1/test-runs/${id}/cancel`), 400, /ended already/);
  await succeeding(ask('DELETE', '/v1/images/busy'));
});

test('a run whose worker is killed is done again by another, ends once, and leaves no process behind', async () => {
  const marker = `${process.pid}.25`;
  const command = ['sh', '-c', `echo begun; sleep ${marker} & sleep 2; echo ended`];
  const id = await startRun({ image: 'fraud', command });
  await untilPrinted(id, 'begun');
  assert.equal(await instance.killWorkers(), 1);
  const { lines, run: ended } = await endOfRun(id);
  assert.equal(at(ended, 'status'), 'SUCCEEDED', JSON.stringify(ended));
  assert.equal(printed(lines, 'stdout'), 'begun\nbegun\nended');
  assert.match(printed(lines, 'run'), /Attempt 2/);
  await untilGone(`sleep\0${marker}`);
  const image = at((await succeeding(ask('GET', '/v1/images/fraud/details'))).data, 'image');
  assert.deepEqual(at(image, 'uses'), []);
});

/** Follows a run until it has printed something. */
async function untilPrinted(id: string, text: string): Promise<void> {
  const over = new AbortController();
  const answer = await fetch(`${instance.url}/v1/test-runs/${id}/events`, {
    headers: { 'rime-api-key': key },
    signal: over.signal,
  });
  let read = '';
  for await (const chunk of answer.body ?? []) {
    read += Buffer.from(chunk).toString();
    if (read.includes(`"stage":"stdout","text":"${text}"`)) break;
  }
  over.abort();
}

/** Waits until no process of this machine has these words: the kernel ends what was killed in its own time. */
async function untilGone(words: string): Promise<void> {
  for (;;) {
    const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const lines = await Promise.all(ids.map((one) => readFile(`/proc/${one}/cmdline`, 'utf8').catch(() => '')));
    if (!lines.some((line) => line.startsWith(words))) return;
  }
}

test('the variables of a run are for the run alone', async () => {
  const secret = `a-secret-${process.pid}`;
  const code = 'import os; print(sorted(os.environ)); print(os.environ["API_PASSWORD"][::-1])';
  const id = await startRun({ ...python(code), environment: [{ name: 'API_PASSWORD', value: secret }] });
  const { lines, run: ended } = await endOfRun(id);
  assert.match(printed(lines, 'stdout'), new RegExp([...secret].reverse().join('')));
  assert.doesNotMatch(printed(lines, 'stdout'), /DATABASE_URL|MIR_API_KEY|MIR_SECRETS_KEY|MIR_HOME|MIR_ADMIN_PASSWORD/);
  assert.deepEqual(listAt(ended, 'variables'), ['API_PASSWORD']);
  const audit = await succeeding(ask('GET', '/v1/audit?action=run.create'));
  assert.ok(!audit.text.includes(secret));
});

async function upload(archive: Uint8Array, by = key): Promise<Answer> {
  const response = await fetch(`${instance.url}/v1/run-files`, {
    method: 'POST',
    headers: { 'rime-api-key': by, 'content-type': 'application/gzip' },
    body: archive,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, data: JSON.parse(text) };
}

test('an upload is files inside of its own folder, or it is refused', async () => {
  const folder = await temporaryFolder(cleanup);
  await writeFile(join(folder, 'plain'), 'text');
  await symlink('/etc/passwd', join(folder, 'link'));
  const tar = (...words: string[]) => tarArchive(folder, words);
  assert.equal((await upload(await tar('plain'))).status, 200);
  assertRefused(await upload(await tar('link')), 400, /symlink: "link"/);
  assertRefused(await upload(await tar('-P', '--transform', 's,^,../,', 'plain')), 400, /\.\.\/plain/);
  assertRefused(await upload(Buffer.from('no archive at all')), 400, /cannot be read/);
  await run('sh', ['-c', `mkdir "$0/many" && cd "$0/many" && seq 1 5001 | xargs touch`, folder]);
  assertRefused(await upload(await tar('many')), 400, /larger than 5000 files/);
  await mkdir(join(folder, 'd/'.repeat(200)), { recursive: true });
  await writeFile(join(folder, 'd/'.repeat(200), 'deep'), '');
  assertRefused(await upload(await tar('d')), 400, /too deep/);
  await run('truncate', ['-s', '70M', join(folder, 'large')]);
  assertRefused(await upload(await tar('large')), 400, /64 MiB/);
});

test('an upload is its owner’s, and a run is seen in its workspace only', async () => {
  const folder = await temporaryFolder(cleanup);
  await writeFile(join(folder, 'plain'), 'text');
  const sent = await upload(await tarArchive(folder, ['plain']));
  const filesId = textAt(sent.data, 'filesId');
  const body = { image: 'fraud', command: ['cat', 'plain'], filesId };
  assertRefused(await ask('POST', '/v1/test-runs', { key: member, body }), 404, /no upload/);
  const id = await startRun(body);
  assert.equal(printed((await endOfRun(id)).lines, 'stdout'), 'text');
  assert.equal((await ask('GET', `/v1/test-runs/${id}`, { key: member })).status, 200, 'both are in default');
  await succeeding(ask('POST', '/v1/workspaces', { body: { name: 'elsewhere' } }));
  await succeeding(ask('POST', '/v1/users', { body: { name: 'stranger' } }));
  const token = await succeeding(ask('POST', '/v1/api-tokens', { body: { user: 'stranger', workspace: 'elsewhere' } }));
  await succeeding(ask('DELETE', '/v1/workspaces/default/members/stranger'));
  const stranger = textAt(token.data, 'secret');
  const job = textAt((await succeeding(ask('GET', `/v1/test-runs/${id}`))).data, 'run', 'id');
  for (const path of [`/v1/test-runs/${id}`, `/v1/test-runs/${id}/events`, `/v1/test-runs/${job}/files`])
    assertRefused(await ask('GET', path, { key: stranger }), 404, /no test run/);
  assert.deepEqual(at((await ask('GET', '/v1/test-runs', { key: stranger })).data, 'runs'), []);
});

test('the files of a run that waits outlive the account that sent them', async () => {
  await succeeding(ask('POST', '/v1/users', { body: { name: 'leaver' } }));
  const theirs = textAt((await succeeding(ask('POST', '/v1/api-tokens', { body: { user: 'leaver' } }))).data, 'secret');
  const folder = await temporaryFolder(cleanup);
  await writeFile(join(folder, 'plain'), 'what was left');
  const sent = await upload(await tarArchive(folder, ['plain']), theirs);
  const before = await startRun(python('import time; time.sleep(600)'));
  const waiting = await startRun(
    { image: 'fraud', command: ['cat', 'plain'], filesId: textAt(sent.data, 'filesId') },
    theirs,
  );
  await succeeding(ask('DELETE', '/v1/users/leaver'));
  await succeeding(ask('POST', `/v1/test-runs/${before}/cancel`));
  assert.equal(printed((await endOfRun(waiting)).lines, 'stdout'), 'what was left');
});

test('what cannot be run is refused with the reason, in the original’s form, too', async () => {
  const refuse = async (body: object, status: number, message: RegExp) =>
    assertRefused(await ask('POST', '/v1/test-runs', { body: { command: ['true'], ...body } }), status, message);
  const custom = (customImage: object) => ({ runTimeInfo: { customImage } });
  await refuse({}, 400, /names no image/);
  await refuse({ image: 'nobody-made-this' }, 404, /no image named/);
  await refuse({ image: 'fraud', version: 9 }, 404, /no version 9/);
  await refuse({ image: 'fraud', command: [] }, 400, /command/);
  await refuse({ image: 'fraud', timeLimitSeconds: 1e6 }, 400, /time limit/);
  await refuse({ image: 'fraud', network: true }, 400, /no network/);
  await refuse(custom({ managedImageName: 'fraud', customImage: { name: 'r.example/x:1' } }), 400, /names 2 images/);
  await refuse(custom({ customImage: { name: 'r.example/x:1' } }), 400, /may not come from r\.example/);
  await refuse(custom({ customImage: { name: 'just-a-name' } }), 400, /which registry/);
  const given = { run_time_info: { custom_image: { managed_image_name: 'fraud' } }, command: ['true'] };
  const { data } = await succeeding(ask('POST', '/v1/test-runs', { body: given }));
  assert.equal(at((await endOfRun(textAt(data, 'run', 'id'))).run, 'image', 'version'), 1);
});

test('an image that is not managed here is pulled with the secret that is for it, and with no other', async () => {
  const { username, password } = registryAccount;
  const reference = `${registry}/team/tool:1`;
  await succeed('skopeo', [
    ...['copy', '--src-tls-verify=false', '--dest-tls-verify=false', '--src-creds', `admin:${key}`],
    ...['--dest-creds', `${username}:${password}`],
    ...[`docker://${new URL(instance.url).host}/rime-managed-images/fraud:v1`, `docker://${reference}`],
  ]);
  const secret = (name: string, more: object) =>
    ask('POST', '/v1/pull-secrets', {
      body: { name, registry, username, password, workspaces: ['default'], ...more },
    });
  await succeeding(secret('right', {}));
  await succeeding(secret('wrong', { password: 'another password' }));
  await succeeding(secret('other-host', { registry: 'registry.example' }));
  await succeeding(ask('POST', '/v1/workspaces', { body: { name: 'other-team' } }));
  await succeeding(secret('other-team', { workspaces: ['other-team'] }));
  assertRefused(await secret('right', {}), 409);
  const body = (pullSecret?: string, image = reference) => ({
    runTimeInfo: {
      customImage: {
        customImage: { name: image, ...(pullSecret !== undefined && { pullSecret: { name: pullSecret } }) },
      },
    },
    command: ['python', '-c', 'import six; print(six.__version__)'],
  });
  const { lines, run: ended } = await endOfRun(await startRun(body('right')));
  assert.equal(printed(lines, 'stdout'), '1.16.0', JSON.stringify(ended));
  assert.match(textAt(ended, 'image', 'digest'), /^sha256:/);
  for (const other of ['other-host', 'other-team', 'nobody-made-this'])
    assertRefused(await ask('POST', '/v1/test-runs', { body: body(other) }), 404, /no secret/);
  for (const one of [body(), body('wrong')]) {
    const failed = (await endOfRun(await startRun(one))).run;
    assert.equal(at(failed, 'status'), 'FAILED');
    assert.equal(textAt(failed, 'failure', 'code'), 'run/pull-refused');
  }
  await publishBase(home, 'large', [{ path: 'large', text: randomBytes(20 << 20).toString('latin1') }]);
  await succeed('skopeo', [
    ...['copy', '--src-tls-verify=false', '--dest-tls-verify=false', '--src-creds', `admin:${key}`],
    ...['--dest-creds', `${username}:${password}`],
    ...[`docker://${new URL(instance.url).host}/bases/debian:large`, `docker://${registry}/team/large:1`],
  ]);
  const large = body('right', `${registry}/team/large:1`);
  const refused = (await endOfRun(await startRun(large))).run;
  assert.match(textAt(refused, 'failure', 'what'), /has 9\d{7} bytes, .* may have 85000000/);
  const told = await succeeding(ask('GET', '/v1/pull-secrets'));
  assert.ok(!told.text.includes(password));
  assert.ok(!(await succeeding(ask('GET', '/v1/audit'))).text.includes(password));
  await succeeding(ask('DELETE', '/v1/pull-secrets/right'));
  assertRefused(await ask('POST', '/v1/test-runs', { body: body('right') }), 404, /no secret/);
});
