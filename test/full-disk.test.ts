import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Cleanup, cleanupOf } from './support/cleanup.ts';
import { assertReadable } from './support/fault-message.ts';
import { temporaryFolder } from './support/folder.ts';
import { copyHome, warmHome } from './support/home.ts';
import { type BuiltImage, build, mir, mirOutput } from './support/mir.ts';
import { run, succeed } from './support/program.ts';

const cleanup = cleanupOf({ after });
const spec = [
  ...['--python', '3.11', '--no-bytecode', '-p', 'pygments==2.18.0', '-p', 'docutils==0.21.2', '-p', 'psutil==6.0.0'],
  ...['-t', 'full'],
];
const isRoot = process.getuid?.() === 0;
let template: string;
let expected: BuiltImage;

before(async () => {
  template = await warmHome(cleanup);
  expected = await build(spec, { home: await copyHome(template, cleanup) });
});

/** A home on a disk of its own, and how many kilobytes of it are free at most. */
async function smallDisk(freeKilobytes: number, cleanup: Cleanup) {
  const disk = await temporaryFolder(cleanup);
  await succeed('mount', ['-t', 'tmpfs', '-o', 'size=1g', 'tmpfs', disk]);
  cleanup(() => succeed('umount', ['--lazy', disk]));
  const home = join(disk, 'home');
  await succeed('cp', ['-a', template, home]);
  const used = Number((await succeed('df', ['--output=used', '-k', disk])).split('\n').at(-1));
  const resize = (kilobytes: number) => succeed('mount', ['-o', `remount,size=${used + kilobytes}k`, disk]);
  await resize(freeKilobytes);
  return { disk, home, grow: () => resize(100_000) };
}

/** On a busy machine stages take long enough to get a line. */
function withoutProgress(errors: string): string {
  return errors.slice(errors.indexOf('mir: '));
}

async function assertNothingHalf(home: string): Promise<void> {
  assert.deepEqual(await readdir(join(home, 'registry/tmp')).catch(() => []), [], 'unfinished blobs');
  const { status, output } = await mir(['registry', 'verify', '--json'], { home });
  assert.equal(status, 0, output);
  const records = join(home, 'records');
  for (const name of await readdir(records)) JSON.parse(await readFile(join(records, name), 'utf8'));
}

for (const freeKilobytes of [0, 700]) {
  test(`a disk with ${freeKilobytes} kB left is told in words, and with space the next run works`, {
    skip: !isRoot && 'mounting a small disk needs root',
  }, async (t) => {
    const { home, grow } = await smallDisk(freeKilobytes, cleanupOf(t));
    const { status, output, errors } = await mir(['build', ...spec], { home });
    assert.equal(status, 1, output);
    assertReadable(withoutProgress(errors));
    assert.match(errors, /disk is full|[Nn]o space left/);
    assert.match((await mir(['inspect', 'full'], { home })).errors, /image\/unknown|ENOSPC|disk is full/);
    await grow();
    await assertNothingHalf(home);
    assert.equal((await build(spec, { home })).digest, expected.digest);
  });
}

test('an output on a full disk is told in words and leaves nothing of it', {
  skip: !isRoot && 'mounting a small disk needs root',
}, async (t) => {
  const own = cleanupOf(t);
  const disk = await temporaryFolder(own);
  await succeed('mount', ['-t', 'tmpfs', '-o', 'size=5m', 'tmpfs', disk]);
  own(() => succeed('umount', ['--lazy', disk]));
  const home = await copyHome(template, own);
  for (const output of [`oci:${disk}/layout`, `docker-archive:${disk}/image.tar`]) {
    const { status, errors } = await mir(['build', ...spec, '-o', output], { home });
    assert.equal(status, 1);
    assertReadable(withoutProgress(errors));
    assert.match(errors, /disk is full/);
    assert.deepEqual(await readdir(disk), []);
  }
  await succeed('mount', ['-o', 'remount,size=200m', disk]);
  for (const output of [`oci:${disk}/layout`, `docker-archive:${disk}/image.tar`]) {
    assert.equal((await build([...spec, '-o', output], { home })).digest, expected.digest);
  }
});

test('a limit on the size of files is told in words', async (t) => {
  const home = await copyHome(template, cleanupOf(t));
  // 512 kB: uv and the small layers pass, the layer of pygments does not.
  const command = `ulimit -f 1024; exec "$@"`;
  const { status, errors } = await run(
    'sh',
    ['-c', command, 'sh', join(import.meta.dirname, '../mir'), 'build', ...spec],
    {
      environment: { MIR_HOME: home },
    },
  );
  assert.equal(status, 1, errors);
  assertReadable(withoutProgress(errors));
  assert.match(errors, /larger than is allowed/);
  await assertNothingHalf(home);
  assert.equal((await build(spec, { home })).digest, expected.digest);
  assert.match(await mirOutput(['inspect', 'full'], { home }), /pygments/);
});
