import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { SandboxOrder } from '@mir/sandbox';
import { cleanupOf } from '../../../test/support/cleanup.ts';
import { Fixture, limits } from './fixture.ts';
import { systemCallProgram } from './system-call-program.ts';

const fixture = await Fixture.open(cleanupOf({ after }));
const mebibyte = 1024 ** 2;
/** PROT_READ and PROT_WRITE. */
const readAndWrite = 3;
/** MAP_ANONYMOUS and MAP_POPULATE, which touches all of it in the same call. */
const anonymous = 0x8020;
const [shared, own] = [anonymous + 1, anonymous + 2];

/** An order for a program that takes memory and keeps it, or exits at once. */
function taking(mebibytes: number, flags: number, stays = true): Partial<SandboxOrder> & Pick<SandboxOrder, 'command'> {
  const call = { x64: 9, arm64: 222, arguments: [0, mebibytes * mebibyte, readAndWrite, flags, -1, 0], stays };
  return {
    command: ['/work/take'],
    files: [{ path: '/work/take', isExecutable: true, content: systemCallProgram(call) }],
  };
}

const inMemory = (mebibytes: number) => ({
  ...limits,
  memoryBytes: mebibytes * mebibyte,
  scratchBytes: 512 * mebibyte,
});

test('memory that processes share counts like their own, and its limit holds for it', async () => {
  const { command, ...order } = taking(400, shared);
  const { end } = await fixture.run(command, { ...order, limits: inMemory(64) });
  assert.deepEqual(end.outcome, { kind: 'limit', limit: 'memory' });
});

test('the memory of a run is told as what it was at most, shared and not', async () => {
  for (const flags of [shared, own]) {
    const { command, ...order } = taking(60, flags);
    const { end } = await fixture.run(command, { ...order, limits: { ...limits, wallSeconds: 0.6 } });
    assert.deepEqual(end.outcome, { kind: 'limit', limit: 'wall-time' });
    const peak = (end.peakMemoryBytes ?? 0) / mebibyte;
    assert.ok(peak >= 60 && peak < 75, `${peak} MiB`);
  }
});

test('scratch is a part of the memory: it is never larger, and what is in it counts', async () => {
  const fill = (path: string, mebibytes: number) => `dd if=/dev/zero of=${path} bs=1M count=${mebibytes}`;
  const both = `${fill('/work/a', 60)} && ${fill('/dev/shm/b', 60)} && ${fill('/tmp/c', 60)}`;
  const order = { limits: { ...inMemory(64), fileBytes: 1024 * mebibyte } };
  const { stderr, end } = await fixture.run(['sh', '-c', both], order);
  // With control groups the shell and the file of 60 MiB are too much together; without, there is no space left.
  if (end.outcome.kind === 'exited') assert.match(stderr, /No space left/);
  else assert.deepEqual(end.outcome, { kind: 'limit', limit: 'memory' });
  assert.notDeepEqual(end.outcome, { kind: 'exited', status: 0 });
});

test('files that are read are no memory of the run', async () => {
  const layer = await fixture.layer({ path: 'large', text: Buffer.alloc(48 * mebibyte, 1) });
  const { end } = await fixture.run(['sh', '-c', 'cat /large /large /large > /dev/null'], {
    image: fixture.image(layer),
    limits: inMemory(32),
  });
  assert.deepEqual(end.outcome, { kind: 'exited', status: 0 });
  assert.ok((end.peakMemoryBytes ?? 0) < 24 * mebibyte, `${end.peakMemoryBytes} bytes`);
});

test('little memory is enough for a small command', async () => {
  const { stdout } = await fixture.run(['echo', 'fine'], { limits: inMemory(16) });
  assert.equal(stdout, 'fine\n');
});
