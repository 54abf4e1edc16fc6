import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { confine } from '../src/index.ts';

const loader = { x64: 'x86_64-linux-gnu/ld-linux-x86-64.so.2', arm64: 'aarch64-linux-gnu/ld-linux-aarch64.so.1' };

test('a confined program sees the one folder, and nothing else of the machine', async (t) => {
  const seen = await inside(t, ['bash', '-c', 'echo /* /usr/bin/env; read x </etc/passwd; echo x >/usr/x']);
  assert.match(seen.output, /^\/dev \/usr \/usr\/bin\/env\n$/);
  assert.match(seen.errors, /\/etc\/passwd: No such file/);
  assert.match(seen.errors, /\/usr\/x: Read-only file system/);
});

test('a confined program has no network, no other processes and no rights', async (t) => {
  const words = ['perl', '-e', 'use Socket; print getppid(), " ", kill(0, 1) ? "first " : "none ", "$<\\n"; '];
  const connecting =
    'socket(my $s, PF_INET, SOCK_STREAM, 0); print connect($s, pack_sockaddr_in(1, inet_aton("10.0.0.1"))) ? "connected" : $!';
  const seen = await inside(t, [...words.slice(0, 2), `${words[2]}${connecting}`]);
  assert.match(seen.output, /^1 first 1000\nNetwork is unreachable$/);
});

async function inside(t: TestContext, [program = '', ...words]: readonly string[]) {
  const state = await mkdtemp(join(tmpdir(), 'mir-confinement-'));
  t.after(() => rm(state, { recursive: true, force: true }));
  const libraries = `/usr/lib/${loader[process.arch as 'x64' | 'arm64'].split('/')[0]}`;
  const [first = '', ...rest] = await confine({
    command: [
      `/usr/lib/${loader[process.arch as 'x64' | 'arm64']}`,
      '--library-path',
      libraries,
      `/usr/bin/${program}`,
      ...words,
    ],
    folder: '/usr',
    state,
    environment: process.env,
  });
  const ended = promisify(execFile)(first, rest, { env: { PATH: process.env['PATH'] } });
  return ended.then(
    ({ stdout, stderr }) => ({ output: stdout, errors: stderr }),
    (thrown: { stdout: string; stderr: string }) => ({ output: thrown.stdout, errors: thrown.stderr }),
  );
}
