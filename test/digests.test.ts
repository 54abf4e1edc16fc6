import assert from 'node:assert/strict';
import { join } from 'node:path';
import { arch } from 'node:process';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { root, temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { type BuiltImage, build, mirOutput, wheelLayersOf } from './support/mir.ts';
import { pathWithoutBubblewrap } from './support/without-bubblewrap.ts';

/** A pure one, a compiled one, and one with a console script that is large enough for a layer of its own. */
const spec = [
  ...['--python', '3.11', '--os-package', 'libgomp1', '-t', 'digests'],
  ...['-p', 'six==1.16.0', '-p', 'markupsafe==2.1.5', '-p', 'pygments==2.18.0'],
];
const idnaBytes = 66_836;

const cleanup = cleanupOf({ after });
let home: string;
let first: BuiltImage;

before(async () => {
  home = await warmHome(cleanup);
  first = await build(spec, { home });
});

test('a second build gives the same digest and receives nothing', async () => {
  const second = await build(spec, { home });
  assert.equal(second.digest, first.digest);
  assert.equal(second.receivedBytes, 0);
});

test('neither the order nor the spelling of requirements matters', async () => {
  const words = ['-p', 'Pygments == 2.18.0', '-p', 'MarkupSafe==2.1.5', '-p', 'six==1.16.0'];
  const other = await build(['--os-package', 'libgomp1', ...words, '-t', 'digests'], { home });
  assert.equal(other.digest, first.digest);
  assert.equal(other.receivedBytes, 0);
});

test('another time zone, language, umask and folder, and no sandbox, give the same digest', async (t) => {
  const own = cleanupOf(t);
  const again = await build(spec, {
    home: await warmHome(own),
    cwd: await temporaryFolder(own),
    umask: '077',
    environment: {
      ...{ TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
      PATH: await pathWithoutBubblewrap(own),
    },
  });
  assert.equal(again.digest, first.digest);
  assert.ok(again.receivedBytes > idnaBytes, 'this home had to make the layers itself');
});

test('an empty home under the next Node gives the same digest', async (t) => {
  const own = cleanupOf(t);
  const node = join(root, `test/newer-node/node_modules/node-linux-${arch}/bin/node`);
  const again = await build(spec, { home: join(await temporaryFolder(own), 'home'), node, umask: '027' });
  assert.deepEqual(
    again.layers.map(({ digest }) => digest),
    first.layers.map(({ digest }) => digest),
  );
  assert.equal(again.digest, first.digest);
});

test('a lock gives the digest of the build that wrote it, in another home too', async (t) => {
  const own = cleanupOf(t);
  const lock = join(await temporaryFolder(own), 'pylock.toml');
  const written = await build([...spec, '--lock-out', lock], { home });
  assert.equal(written.digest, first.digest);
  const rebuilt = await build(['--lock', lock, '-t', 'from-lock'], { home: await warmHome(own) });
  assert.equal(rebuilt.digest, first.digest);
  assert.equal(rebuilt.lock, first.lock);
});

test('the lock inside an image names what is in it, and no address', async () => {
  const lock = await mirOutput(['inspect', 'digests', '--lock'], { home });
  for (const name of ['six', 'markupsafe', 'pygments', 'libgomp1']) assert.ok(lock.includes(`name = "${name}"`), name);
  assert.doesNotMatch(lock, /:\/\//);
});

test('without bytecode the digest is another, and the wheels are the same', async () => {
  const bare = await build([...spec, '--no-bytecode'], { home });
  assert.notEqual(bare.digest, first.digest);
  assert.equal(bare.receivedBytes, 0);
  // Small wheels lie in bundles beside their bytecode; one that stands alone is the same layer in both.
  const standsAlone = (image: BuiltImage) => wheelLayersOf(image).filter((layer) => layer.includes('pygments'));
  assert.equal(standsAlone(bare).length, 1);
  assert.deepEqual(standsAlone(bare), standsAlone(first));
  const sizeOf = ({ layers }: BuiltImage) => layers.reduce((sum, { size }) => sum + size, 0);
  assert.ok(sizeOf(bare) < sizeOf(first), 'what is left out is the bytecode');
});

test('one light package more moves that package only', async (t) => {
  const own = await warmHome(cleanupOf(t));
  const before = await build(spec, { home: own });
  const more = await build([...spec, '-p', 'idna==3.7'], { home: own });
  assert.equal(more.receivedBytes, idnaBytes);
  const kept = wheelLayersOf(before).filter((layer) => layer.includes('pygments'));
  assert.equal(kept.length, 1);
  assert.ok(kept.every((layer) => wheelLayersOf(more).includes(layer)));
});

test('the name is in no layer: another one has the same digest', async () => {
  const renamed = await build(spec.with(spec.indexOf('digests'), 'team/other:7'), { home });
  assert.equal(renamed.digest, first.digest);
});
