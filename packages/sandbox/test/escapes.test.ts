import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cleanupOf } from '../../../test/support/cleanup.ts';
import { Fixture, limits, temporary } from './fixture.ts';

const cleanup = cleanupOf({ after });
const fixture = await Fixture.open(cleanup);
const secret = `secret-of-the-machine-${process.pid}`;
process.env['SECRET_OF_THE_MACHINE'] = secret;

test('the machine has no files in a sandbox, by whatever path', async () => {
  const path = join(temporary(cleanup), 'file');
  writeFileSync(path, secret);
  const ways = [
    '',
    '/proc/1/root',
    '/proc/self/root',
    '/proc/self/cwd/../../..',
    '/../../..',
    '/proc/1/cwd/../../../..',
  ];
  const printed = await fixture.shell(
    `${ways.map((way) => `cat ${way}${path}`).join('; ')}; ls /; ls /proc/1/root/; cat /proc/self/mountinfo; id`,
  );
  assert.match(printed, /uid=1000 gid=1000/);
  assert.ok(!printed.includes(secret), printed);
  assert.ok(!printed.includes(fixture.folder), `the place of the state shows: ${printed}`);
  const names = (await fixture.shell('ls /')).trim().split('\n');
  assert.deepEqual(names, ['bin', 'dev', 'etc', 'proc', 'tmp', 'work']);
});

test('nothing of the environment reaches a sandbox', async () => {
  const printed = await fixture.shell('env; cat /proc/*/environ', { environment: { ASKED_FOR: 'yes' } });
  assert.match(printed, /^ASKED_FOR=yes$/m);
  assert.match(printed, /^OF_THE_IMAGE=yes$/m);
  assert.ok(!printed.includes(secret), printed);
  assert.ok(!printed.includes(process.env['PATH'] ?? '?'), printed);
});

test('what the starting process had open is not open in a sandbox', async () => {
  const path = join(temporary(cleanup), 'file');
  writeFileSync(path, secret);
  // A process of its own, because a file that Node opens is closed by itself. It takes care of those with small numbers, too.
  const given = openSync(path, 'r');
  const files = ['pipe', 'pipe', 'inherit', ...Array<'ignore'>(197).fill('ignore'), given] as const;
  const child = spawn(process.execPath, [runner], { stdio: [...files] });
  closeSync(given);
  const look =
    'ls -l /proc/self/fd /proc/1/fd; for f in /proc/self/fd/*; do case $f in */[012]) ;; *) cat $f;; esac; done';
  child.stdin?.end(JSON.stringify({ command: ['sh', '-c', look] }));
  assert.ok(child.stdout !== null);
  const printed = Buffer.concat(await child.stdout.toArray()).toString();
  assert.match(printed, /"kind":"exited"/);
  assert.ok(!printed.includes(secret), printed);
  const targets = [...printed.matchAll(/ \d+ -> (\S+)/g)].map(([, target = '']) => target);
  const isOwn = (target: string) =>
    /^(\/dev\/null|(pipe|socket|anon_inode):.*|\S+\/mir-\w+\/std(out|err))$/.test(target);
  assert.deepEqual(
    targets.filter((target) => !isOwn(target)),
    [],
  );
});

test('the machine has no processes in a sandbox, and its own are counted from one', async () => {
  const printed = await fixture.shell(
    `ls /proc; kill -9 ${process.pid}; kill -9 -1; echo still; hostname; cat /proc/1/comm`,
  );
  const ids = printed.match(/^\d+$/gm)?.map(Number) ?? [];
  assert.ok(ids.length > 0 && ids.length < 10 && ids.every((id) => id < 20), printed);
  assert.equal(await fixture.shell('hostname'), 'sandbox\n');
  assert.notEqual(hostname(), 'sandbox');
});

test('a sandbox has no network: not the machine, not the metadata address, not another interface', async () => {
  const server = createServer((socket) => socket.end(secret)).listen(0, '127.0.0.1');
  const hidden = createServer((socket) => socket.end(secret)).listen(`\0mir-sandbox-test-${process.pid}`);
  await Promise.all([once(server, 'listening'), once(hidden, 'listening')]);
  try {
    const port = (server.address() as { readonly port: number }).port;
    const printed = await fixture.shell(
      `nc -w 2 127.0.0.1 ${port}; nc -w 2 169.254.169.254 80; nc -w 2 1.1.1.1 80; ifconfig -a; cat /proc/net/unix`,
    );
    assert.ok(!printed.includes(secret) && !printed.includes('mir-sandbox-test'), printed);
    assert.match(printed, /169\.254\.169\.254.*Network is unreachable/);
    assert.match(printed, /1\.1\.1\.1.*Network is unreachable/);
    assert.deepEqual(printed.match(/^\S+(?=\s+Link encap)/gm), ['lo']);
  } finally {
    for (const one of [server, hidden] satisfies Server[]) one.close();
  }
});

test('a sandbox writes nowhere but into its scratch', async () => {
  const places =
    '/x /etc/passwd /bin/busybox /dev/x /dev/null/x /proc/sys/kernel/hostname /proc/sys/vm/overcommit_memory';
  const printed = await fixture.shell(
    `for p in ${places} /proc/1/oom_score_adj_x /proc/sysrq-trigger; do echo harm > $p && echo "wrote $p"; done; ` +
      'rm /bin/cat && echo removed; mv /etc /etd && echo moved; touch /work/a /tmp/b /dev/shm/c && echo scratch',
  );
  assert.doesNotMatch(printed, /wrote|removed|moved/);
  assert.match(printed, /scratch/);
  assert.equal(await fixture.shell('ls /work /tmp /dev/shm'), '/dev/shm:\n\n/tmp:\n\n/work:\n');
});

test('scratch has a size, wherever it is written to, and so has a file', async () => {
  const fill = (path: string) => `dd if=/dev/zero of=${path} bs=1M count=60`;
  const printed = await fixture.shell(`${fill('/work/a')}; rm /work/a; ${fill('/dev/shm/b')}; ${fill('/tmp/c')}`);
  assert.equal(printed.match(/No space left/g)?.length, 3, printed);
  const many = await fixture.shell('mkdir /tmp/d; i=0; while echo > /tmp/d/$i; do i=$((i+1)); done; echo $i', {
    limits: { ...limits, scratchBytes: 1024 ** 2 },
  });
  assert.match(many, /No space left/);
  const large = await fixture.run(['dd', 'if=/dev/zero', 'of=/work/a', 'bs=1M', 'count=10'], {
    limits: { ...limits, fileBytes: 1024 ** 2 },
  });
  assert.deepEqual(large.end.outcome, { kind: 'signalled', signal: 'SIGXFSZ' });
});

test('a fork bomb ends itself and nothing else', async () => {
  const bomb = 'f() { f | f & }; f; while :; do f; done';
  const { end } = await fixture.run(['sh', '-c', bomb]);
  // Without control groups a further process is only refused, and the shell gives up.
  const { outcome } = end;
  if (outcome.kind === 'limit') assert.match(outcome.limit, /processes|cpu-time/);
  else assert.ok(outcome.kind === 'exited' && outcome.status !== 0, JSON.stringify(outcome));
  assert.equal(await fixture.shell('echo fine'), 'fine\n');
});

test('memory, processor time, wall time and output have limits, and the end says which was reached', async () => {
  const memory = await fixture.run(['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=300M', 'count=4']);
  // Without control groups a single large piece is refused to the program instead.
  assert.notDeepEqual(memory.end.outcome, { kind: 'exited', status: 0 });
  assert.ok((memory.end.peakMemoryBytes ?? 0) < limits.memoryBytes * 2);
  const spin = ['sh', '-c', 'while :; do :; done'];
  const processor = await fixture.run(spin, { limits: { ...limits, cpuSeconds: 0.3 } });
  assert.deepEqual(processor.end.outcome, { kind: 'limit', limit: 'cpu-time' });
  const wall = await fixture.run(['sleep', '60'], { limits: { ...limits, wallSeconds: 0.2 } });
  assert.deepEqual(wall.end.outcome, { kind: 'limit', limit: 'wall-time' });
  const output = await fixture.run(['yes']);
  assert.deepEqual(output.end.outcome, { kind: 'limit', limit: 'output' });
  assert.equal(output.stdout.length, limits.outputBytes);
});

/** Processes of the machine whose command line holds a word. */
function withWord(word: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });
}

test('whatever a command started is gone when it has ended, however that was', async () => {
  const word = `98765.${process.pid}`;
  const daemon = `setsid sh -c "sleep ${word} & setsid sleep ${word} &" & sleep ${word} & echo started`;
  await fixture.run(['sh', '-c', daemon]);
  assert.deepEqual(withWord(word), []);
  await fixture.run(['sh', '-c', `${daemon}; sleep ${word}`], { limits: { ...limits, wallSeconds: 0.3 } });
  assert.deepEqual(withWord(word), []);
  const run = await fixture.start(['sh', '-c', `${daemon}; trap '' TERM INT HUP; sleep ${word}`]);
  for await (const { bytes } of run.output) if (Buffer.from(bytes).includes('started')) run.stop();
  assert.deepEqual((await run.ended).outcome, { kind: 'stopped' });
  assert.deepEqual(withWord(word), []);
  assert.deepEqual(readdirSync(join(fixture.folder, 'sandbox/runs')), []);
});

const runner = fileURLToPath(import.meta.resolve('./run-program.ts'));

test('all of a sandbox dies with the process that began it, and the next start clears up', async () => {
  const word = `98766.${process.pid}`;
  const home = join(temporary(cleanup), 'home');
  const child = spawn(process.execPath, [runner], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(
    JSON.stringify({
      command: ['sh', '-c', `setsid sleep ${word} & echo begun; sleep ${word}`],
      folder: home,
      environment: { TOKEN: secret, LONG: '-'.repeat(120_000), LONGER: '+'.repeat(120_000) },
      input: secret,
    }),
  );
  await once(child.stdout, 'data');
  assert.ok(withWord(word).length > 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  // The kernel tells them one after the other.
  for (let attempt = 0; attempt < 200 && withWord(word).length > 0; attempt += 1) await delay(20);
  assert.deepEqual(withWord(word), []);
  assert.equal(readdirSync(join(home, 'sandbox/runs')).length, 1);
  const left = readdirSync(join(home, 'sandbox/runs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path).includes(secret));
  assert.deepEqual(left, [], 'the value of a variable, or what was typed, is left on the disk');
  await Fixture.open(cleanup, home);
  assert.deepEqual(readdirSync(join(home, 'sandbox/runs')), []);
});

test('nobody becomes another, makes a device, or changes what is mounted', async () => {
  const layer = await fixture.layer(
    { path: 'bin/setuid', text: readFileSync('/bin/busybox'), mode: 0o6755 },
    { path: 'etc/null', kind: '3', mode: 0o666 },
    { path: 'etc/disk', kind: '4', mode: 0o666 },
    { path: 'etc/pipe', kind: '6', mode: 0o666 },
  );
  const printed = await fixture.shell(
    'stat -c %a /bin/setuid; ls /etc; mknod /work/disk b 254 0; mknod /work/zero c 1 5; ls /work; chown 0 /work; ' +
      'mount -t tmpfs none /tmp; mount --bind /etc /work; umount /proc; unshare -U id; unshare -m id; ' +
      'cp /bin/busybox /work/su; chmod 4755 /work/su; grep -i -E "nonew|capeff" /proc/self/status',
    { image: fixture.image(layer) },
  );
  assert.match(printed, /^755$/m);
  assert.match(printed, /^755\npasswd\n/);
  assert.equal(printed.match(/not permitted|Invalid argument|denied/g)?.length, 8, printed);
});
