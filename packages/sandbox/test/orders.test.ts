import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { arch } from 'node:process';
import { after, test } from 'node:test';
import { isFault } from '@mir/core';
import { type CollectedFile, checkLocalSandbox, type SandboxOrder } from '@mir/sandbox';
import { cleanupOf } from '../../../test/support/cleanup.ts';
import { Fixture, limits } from './fixture.ts';
import { systemCallProgram } from './system-call-program.ts';

const fixture = await Fixture.open(cleanupOf({ after }));

/** Takes results into memory. */
function taking(folder: string, limitBytes = 1024 ** 2, fileLimit = 20) {
  const taken: Record<string, string> = {};
  const accept = async ({ path, isExecutable, sizeBytes, content }: CollectedFile) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(Uint8Array.from(chunk));
    const text = Buffer.concat(chunks).toString();
    assert.equal(text.length, sizeBytes);
    taken[path] = isExecutable ? `${text}, executable` : text;
  };
  return { taken, results: { folder, fileLimit, limitBytes, accept } };
}

test('a command has its input, files, variables and folders, and gives output and status back', async () => {
  const { stdout, stderr, end } = await fixture.run(
    [
      'sh',
      '-c',
      'pwd; cat; cat /work/in/a /etc/settings/b; /work/run; echo more > /work/in/a && cat in/a; echo $V $HOME >&2; echo x > /dev/stdout; exit 3',
    ],
    {
      standardInput: Buffer.from('typed\n'),
      environment: { V: "it's $HOME" },
      files: [
        { path: '/work/in/a', content: Buffer.from('one\n') },
        {
          path: '/etc/settings/b',
          content: async function* () {
            yield Buffer.from('two\n');
          },
        },
        { path: '/work/run', isExecutable: true, content: Buffer.from('#!/bin/sh\necho ran\n') },
      ],
    },
  );
  assert.equal(stdout, '/work\ntyped\none\ntwo\nran\nmore\nx\n');
  assert.equal(stderr, "it's $HOME /work\n");
  assert.deepEqual(end.outcome, { kind: 'exited', status: 3 });
  assert.equal(
    await fixture.shell('echo no > /etc/s || cat /etc/passwd', {
      files: [{ path: '/etc/s', content: Buffer.from('x') }],
    }),
    "root:x:0:0::/root:/bin/sh\nsh: can't create /etc/s: Read-only file system\n",
  );
});

test("a program that is not there, or dies, is the command's end and not a fault", async () => {
  const missing = await fixture.run(['no-such-program', 'x']);
  assert.deepEqual(missing.end.outcome, { kind: 'exited', status: 127 });
  assert.equal(missing.stderr, 'no-such-program: No such file or directory\n');
  const told = await fixture.run(['sh', '-c', 'echo bwrap: execvp sh: no >&2; exit 1']);
  assert.deepEqual(told.end.outcome, { kind: 'exited', status: 1 });
  const died = await fixture.run(['sh', '-c', 'kill -SEGV $$']);
  assert.deepEqual(died.end.outcome, { kind: 'signalled', signal: 'SIGSEGV' });
});

/** mknodat of a socket. */
const makesSocket = systemCallProgram({ x64: 259, arm64: 33, arguments: [-100, '/results/socket', 0o140644, 0] });

test('results are plain files and nothing else, and what is left out is named', async () => {
  const { taken, results } = taking('/results');
  const { end } = await fixture.run(
    [
      'sh',
      '-c',
      'cd /results; mkdir -p a/b; echo 1 > a/b/c; echo 2 > d; chmod +x d; ln -s /etc/passwd link; ln -s /etc folder; ' +
        'mkfifo pipe; ln d hard; /work/make-socket; echo 3 > "a b\tc"; chmod 000 a; exit 5',
    ],
    { results, files: [{ path: '/work/make-socket', isExecutable: true, content: makesSocket }] },
  );
  assert.deepEqual(end.outcome, { kind: 'exited', status: 5 });
  assert.deepEqual(taken, { 'a/b/c': '1\n', d: '2\n, executable', hard: '2\n, executable', 'a b\tc': '3\n' });
  assert.deepEqual([...end.leftOut].sort(), [
    'folder: a symbolic link',
    'link: a symbolic link',
    'pipe: a pipe',
    'socket: a socket',
  ]);
});

test('results are taken from the very folder, also when the command has put a link in its place', async () => {
  const inWork = taking('/work/out');
  await fixture.run(['sh', '-c', 'cd /work; rmdir out; ln -s /etc out; echo 1 > x'], { results: inWork.results });
  assert.deepEqual(inWork.taken, {});
  const changed = taking('/var/lib/x');
  const script = 'mkdir -p /var/lib/x; echo 1 > /var/lib/x/a; echo 2 > /etc/b; rm -r /var; ln -s /etc /var';
  await fixture.run(['sh', '-c', script], { identity: 'root', results: changed.results });
  assert.deepEqual(changed.taken, {});
});

test('too many or too large results end in a limit', async () => {
  const many = taking('/results', 1024, 3);
  const { end } = await fixture.run(['sh', '-c', 'cd /results; for i in 1 2 3 4 5; do echo $i > $i; done'], {
    results: many.results,
  });
  assert.deepEqual(end.outcome, { kind: 'limit', limit: 'results' });
  assert.equal(Object.keys(many.taken).length, 3);
  const folders = taking('/results', 1024, 3);
  const digits = '0 1 2 3 4 5 6 7 8 9';
  const loops = `for a in ${digits}; do for b in ${digits}; do for c in ${digits}; do all=; for d in ${digits} x; do`;
  const making = `cd /results; ${loops} all="$all $a$b$c$d"; done; mkdir $all; done; done; done`;
  const crowded = await fixture.run(['sh', '-c', making], { results: folders.results });
  assert.deepEqual(crowded.end.outcome, { kind: 'limit', limit: 'results' });
  const large = taking('/results', 1000);
  const sparse = await fixture.run(['dd', 'if=/dev/null', 'of=/results/a', 'bs=1M', 'seek=60'], {
    results: large.results,
  });
  assert.deepEqual(sparse.end.outcome, { kind: 'limit', limit: 'results' });
  assert.deepEqual(large.taken, {});
});

test('results are taken also when a limit has ended the command', async () => {
  const { taken, results } = taking('/work');
  const { end } = await fixture.run(['sh', '-c', 'echo 1 > a; sleep 60'], {
    results,
    limits: { ...limits, wallSeconds: 0.5 },
  });
  assert.deepEqual(end.outcome, { kind: 'limit', limit: 'wall-time' });
  assert.deepEqual(taken, { a: '1\n' });
});

test('root in the image changes its own root, which is thrown away, and nothing else', async () => {
  const { taken, results } = taking('/');
  const script =
    'id -u; rm /bin/vi; echo new > /etc/new; chown 0:0 /etc/new; mount -t tmpfs none /tmp; mknod /x c 1 3; unshare -m true; cat /proc/1/environ; grep -c "CapEff:.*400fb" /proc/self/status';
  const { stdout, stderr, end } = await fixture.run(['sh', '-c', script], { identity: 'root', results });
  assert.equal(stdout, '0\n1\n');
  assert.equal(stderr.match(/not permitted|denied/g)?.length, 3, stderr);
  assert.deepEqual(taken, { 'etc/new': 'new\n' });
  assert.deepEqual(end.leftOut, ['bin/vi: a device']);
  assert.equal(await fixture.shell('ls /bin/vi /etc'), '/bin/vi\n\n/etc:\npasswd\n');
});

test('an order that cannot be carried out as it is written is refused', async () => {
  const file = (path: string) => ({ files: [{ path, content: Buffer.from('x') }] });
  const attempts: readonly (readonly [Partial<SandboxOrder>, string])[] = [
    [{ command: [] }, 'command'],
    [{ command: ['a\0b'] }, 'command'],
    [{ environment: { 'A=B': 'x' } }, 'command'],
    [{ environment: { A: 'x\0y' } }, 'command'],
    [{ workingFolder: 'work' }, 'command'],
    [{ workingFolder: '/bin/sh' }, 'command'],
    [file('/work/../etc/x'), 'command'],
    [file('work/x'), 'command'],
    [file('/proc/x'), 'command'],
    [file('/'), 'command'],
    [file('/etc/passwd/x'), 'command'],
    [{ files: [...file('/work/a').files, ...file('/work/a').files] }, 'command'],
    [{ files: [...file('/work/a').files, ...file('/work/a/b').files] }, 'command'],
    [{ files: [{ path: '/work/large', content: Buffer.alloc(limits.scratchBytes + 1) }] }, 'command'],
    [{ results: taking('/proc').results }, 'command'],
    [{ results: taking('/dev/shm').results }, 'command'],
    [{ limits: { ...limits, memoryBytes: Number.NaN } }, 'command'],
    [{ image: fixture.imageOf([], arch === 'arm64' ? 'amd64' : 'arm64') }, 'platform'],
  ];
  for (const [order, code] of attempts)
    await assert.rejects(
      fixture.run(['true'], order),
      (thrown) => isFault(thrown, `sandbox/${code}`),
      JSON.stringify(order),
    );
  assert.deepEqual(readdirSync(join(fixture.folder, 'sandbox/runs')), []);
});

test('a name that no file can have is refused with its path and the limit, and without a path of the machine', async () => {
  const content = Buffer.from('x');
  const attempts: readonly (readonly [string, RegExp])[] = [
    [`/work/${'ä'.repeat(128)}`, /\/work\/ä+ has 256 bytes, and 255 are/],
    [`/etc/${'b'.repeat(300)}/c`, /\/etc\/b+… has 300 bytes, and 255 are/],
    [`/work${'/long'.repeat(700)}`, /\/work\/long[/long]+… has 3505 bytes, and 3000 are/],
    ['/tmp', /The file \/tmp cannot be put there/],
  ];
  for (const [path, words] of attempts)
    await assert.rejects(fixture.run(['true'], { files: [{ path, content }] }), (thrown) => {
      assert.ok(isFault(thrown, 'sandbox/command'), String(thrown));
      assert.match(thrown.message, words);
      assert.ok(!`${thrown.message} ${thrown.hint}`.includes(fixture.folder), thrown.message);
      return true;
    });
  const longest = { path: `/work/${'c'.repeat(255)}`, content };
  assert.equal(await fixture.shell('cat /work/c*', { files: [longest] }), 'x');
  const deepest = { path: `/work${'/long'.repeat(598)}`, content };
  assert.equal(await fixture.shell('ls /work', { files: [deepest] }), 'long\n');
});

test('whether a machine can is known before, with what to do about it', async () => {
  assert.equal(await checkLocalSandbox(process.env), undefined);
  const fault = await checkLocalSandbox({ PATH: '/nowhere' });
  assert.equal(fault?.code, 'sandbox/unavailable');
  assert.match(fault?.hint ?? '', /apt-get install bubblewrap/);
});
