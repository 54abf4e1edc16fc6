import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isFault } from '@mir/core';
import { cleanupOf } from '../../../test/support/cleanup.ts';
import type { Member } from './archive.ts';
import { Fixture, temporary } from './fixture.ts';

const cleanup = cleanupOf({ after });
const fixture = await Fixture.open(cleanup);

/** A folder of the machine that a layer would like to change, as open as a folder can be. */
function victim() {
  const folder = temporary(cleanup);
  chmodSync(folder, 0o777);
  mkdirSync(join(folder, 'inner'));
  writeFileSync(join(folder, 'file'), 'as it was');
  return {
    folder,
    state: () =>
      JSON.stringify(
        readdirSync(folder, { recursive: true })
          .sort()
          .map((name) => {
            const { mode, nlink, size, uid } = statSync(join(folder, String(name)));
            return [name, mode, nlink, size, uid];
          }),
      ) + readFileSync(join(folder, 'file'), 'utf8'),
  };
}

test('no layer writes outside of its own folder, whatever its links and paths', async () => {
  const { folder, state } = victim();
  const before = state();
  const up = '../'.repeat(20);
  const attempts: Readonly<Record<string, readonly Member[]>> = {
    'a file through an absolute link': [
      { path: 'l', linkTo: folder },
      { path: 'l/new', text: 'harm' },
    ],
    'a file through a relative link': [
      { path: 'l', linkTo: up + folder.slice(1) },
      { path: 'l/new', text: 'harm' },
    ],
    'a file over a link to a file': [
      { path: 'l', linkTo: `${folder}/file` },
      { path: 'l', text: 'harm' },
    ],
    'a file through two links': [
      { path: 'a', linkTo: 'b' },
      { path: 'b', linkTo: folder },
      { path: 'a/inner/new', text: 'harm' },
    ],
    'a folder over a link': [
      { path: 'l', linkTo: folder },
      { path: 'l', mode: 0o700 },
      { path: 'l/new', text: 'harm' },
    ],
    'a folder through a link': [
      { path: 'l', linkTo: folder },
      { path: 'l/inner', mode: 0o700 },
    ],
    'a link through a link': [
      { path: 'l', linkTo: folder },
      { path: 'l/new', linkTo: '/etc/passwd' },
    ],
    'a hard link through a link': [
      { path: 'x', text: 'harm' },
      { path: 'l', linkTo: folder },
      { path: 'l/new', hardLinkTo: 'x' },
    ],
    'a whiteout through a link': [
      { path: 'l', linkTo: folder },
      { path: 'l/.wh.file', text: '' },
    ],
    'an opaque folder through a link': [
      { path: 'l', linkTo: folder },
      { path: 'l/.wh..wh..opq', text: '' },
    ],
    'a whiteout in a folder that becomes a link': [
      { path: 'd/.wh.new', text: '' },
      { path: 'd', linkTo: folder },
    ],
    'a whiteout deep in a folder that becomes a link': [
      { path: 'd/inner/.wh.new', text: '' },
      { path: 'd', linkTo: folder },
    ],
    'an opaque folder that becomes a link': [
      { path: 'd/inner/.wh..wh..opq', text: '' },
      { path: 'd', linkTo: folder },
    ],
    'a device through a link': [
      { path: 'l', linkTo: folder },
      { path: 'l/new', kind: '3' },
    ],
    'a file replaced by a link and used again': [
      { path: 'd' },
      { path: 'd', linkTo: folder },
      { path: 'd/new', text: 'harm' },
    ],
    'a link replaced by its hard link': [
      { path: 'l', linkTo: folder },
      { path: 'h', hardLinkTo: 'l' },
      { path: 'h/new', text: 'harm' },
    ],
    'an absolute path': [{ path: `${folder}/new`.slice(0, 99), text: 'harm' }],
  };
  for (const [name, members] of Object.entries(attempts)) {
    const layer = await fixture.layer(...members);
    await fixture.shell('true', { image: fixture.image(layer) });
    assert.equal(state(), before, name);
  }
});

test('a layer that leads out of the image or into a circle is refused, and nothing of it stays', async () => {
  const { folder } = victim();
  const attempts: readonly (readonly [string, ...Member[]])[] = [
    ['layer/path', { path: '../../../../../tmp/new', text: 'harm' }],
    ['layer/path', { path: 'a/../../new', text: 'harm' }],
    ['layer/path', { path: 'h', hardLinkTo: '../../../../../etc/passwd' }],
    ['sandbox/layer', { path: 'h', hardLinkTo: `${folder}/file` }],
    ['sandbox/layer', { path: 'l', linkTo: folder }, { path: 'h', hardLinkTo: 'l/file' }],
    ['sandbox/layer', { path: 'l', linkTo: 'l' }, { path: 'l/x', text: '' }],
    ['sandbox/layer', { path: 'n'.repeat(50) + '/x'.repeat(20), kind: '2', linkTo: '' }],
  ];
  for (const [code, ...members] of attempts) {
    const image = fixture.image(await fixture.layer(...members));
    await assert.rejects(fixture.run(['true'], { image }), (thrown) => isFault(thrown, code), JSON.stringify(members));
  }
  const [start = ''] = readdirSync(join(fixture.folder, 'sandbox/layers'));
  const layers = readdirSync(join(fixture.folder, 'sandbox/layers', start));
  assert.deepEqual(
    layers.filter((name) => !/^[0-9a-f]{64}$/.test(name)),
    [],
  );
});

test('a layer that is another one than its image says is not used', async () => {
  const [one, other] = [
    await fixture.layer({ path: 'one', text: '1' }),
    await fixture.layer({ path: 'two', text: '2' }),
  ];
  const image = fixture.image({ ...one, diffId: other.diffId });
  await assert.rejects(fixture.run(['true'], { image }), (thrown) => isFault(thrown, 'sandbox/layer'));
  assert.equal(await fixture.shell('cat /two', { image: fixture.image(other) }), '2');
});

test('layers hide and replace what is below as everywhere else', async () => {
  const lower = await fixture.layer(
    { path: 'd' },
    { path: 'd/gone', text: 'x' },
    { path: 'd/stays', text: 'x' },
    { path: 'o' },
    { path: 'o/hidden', text: 'x' },
    { path: 'f', text: 'file' },
    { path: 'e/was/here', text: 'x' },
    { path: 'r/old', text: 'x' },
  );
  const upper = await fixture.layer(
    { path: 'd/.wh.gone', text: '' },
    { path: 'o' },
    { path: 'o/.wh..wh..opq', text: '' },
    { path: 'o/new', text: 'x' },
    { path: 'f' },
    { path: 'f/inside', text: 'x' },
    { path: '.wh.e', text: '' },
    { path: '.wh.r', text: '' },
    { path: 'r/new', text: 'x' },
  );
  const image = fixture.image(lower, upper);
  assert.equal(
    await fixture.shell('ls -d /d/* /o/* /f/* /e /r/*', { image }),
    '/d/stays\n/f/inside\n/o/new\n/r/new\nls: /e: No such file or directory\n',
  );
  assert.equal(await fixture.shell('ls /d', { image: fixture.image(lower) }), 'gone\nstays\n');
});

test('a layer that speaks of a folder by a link of the layers below fills that folder', async () => {
  const lower = await fixture.layer({ path: 'usr/lib/one', text: '1' }, { path: 'lib', linkTo: 'usr/lib' });
  const upper = await fixture.layer({ path: 'lib/two', text: '2' });
  assert.equal(
    await fixture.shell('ls /lib /usr/lib', { image: fixture.image(lower, upper) }),
    '/lib:\none\ntwo\n\n/usr/lib:\none\ntwo\n',
  );
  // Where there is no such link below, the same layer means a folder of its own.
  assert.equal(await fixture.shell('ls /lib', { image: fixture.image(upper) }), 'two\n');
});

test('an image of 100 layers runs', async () => {
  const layers = await Promise.all(
    Array.from({ length: 100 }, (_, at) => fixture.layer({ path: `n/${at}`, text: 'x' })),
  );
  assert.equal((await fixture.shell('ls /n', { image: fixture.image(...layers) })).trim().split('\n').length, 100);
});

test('layers are unpacked once, also when many ask at the same time', async () => {
  const image = fixture.image(await fixture.layer({ path: 'shared', text: 'shared' }));
  const other = await Fixture.open(cleanup, fixture.folder);
  const runs = [fixture, other, fixture, other].map((one) => one.shell('cat /shared', { image }));
  assert.deepEqual(await Promise.all(runs), Array(4).fill('shared'));
});

test('a strict umask of the starting process changes nothing', async () => {
  const before = process.umask(0o077);
  try {
    const strict = await Fixture.open(cleanup);
    const image = strict.image(await strict.layer({ path: 'd/e', text: 'read' }));
    assert.equal(
      await strict.shell('cat /d/e /work/f; ls -d /work', {
        image,
        files: [{ path: '/work/f', content: Buffer.from(' too\n') }],
      }),
      'read too\n/work\n',
    );
  } finally {
    process.umask(before);
  }
});
