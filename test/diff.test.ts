import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { publishBase } from './support/bases.ts';
import { cleanupOf } from './support/cleanup.ts';
import { assertReadable } from './support/fault-message.ts';
import { temporaryFolder } from './support/folder.ts';
import { copyHome, warmHome } from './support/home.ts';
import { madeWheel, serveWheels } from './support/made-wheel.ts';
import { type BuiltImage, build, mir, mirOutput } from './support/mir.ts';
import { serveHome } from './support/registry.ts';

const wheels = [
  madeWheel('tools', '1.0', { 'tools/__init__.py': 'one = 1\n', 'tools/moving.py': 'x = 1\n' }),
  madeWheel('tools', '2.0', { 'tools/__init__.py': 'one = 2\n' }),
  madeWheel('movers', '1.0', { 'tools/moving.py': 'x = 1\n', 'movers.py': 'y = "a, b"\n' }),
  madeWheel('steady', '1.0', { 'steady.py': 'z = 1\n' }),
];
const [tools1, tools2, movers, steady] = wheels.map(({ filename }) => filename) as [string, string, string, string];

const cleanup = cleanupOf({ after });
let home: string;
let empty: string;
let address: string;
let folder: string;
let first: BuiltImage;
let second: BuiltImage;

before(async () => {
  home = await warmHome(cleanup);
  empty = await copyHome(home, cleanup);
  folder = await temporaryFolder(cleanup);
  const { lockOf } = await serveWheels(wheels, cleanup);
  const locks = { a: lockOf(tools1, steady), b: lockOf(tools2, movers, steady) };
  for (const [name, text] of Object.entries(locks)) await writeFile(join(folder, `pylock.${name}.toml`), text);
  const words = ['--python', '3.11', '--platform', 'linux/amd64'];
  first = await build([...words, '--lock', join(folder, 'pylock.a.toml'), '-t', 'side/a'], { home });
  second = await build([...words, '--lock', join(folder, 'pylock.b.toml'), '-t', 'side/b'], { home });
  address = await serveHome(home, cleanup);
});

type Share = { readonly count: number; readonly bytes: number };
type Difference = {
  readonly before: { readonly digest?: string };
  readonly after: { readonly digest?: string };
  readonly python: { readonly changes: readonly { readonly name: string; readonly change: string }[] };
  readonly os: {
    readonly changes: readonly { readonly name: string; readonly change: string }[];
    readonly same: number;
  };
  readonly movedFiles: readonly { readonly path: string; readonly from: string; readonly to: string }[];
  readonly unknownFiles: readonly string[];
  readonly layers?: { readonly shared: Share; readonly before: Share; readonly after: Share };
};

async function diff(words: readonly string[], at = home): Promise<Difference> {
  return JSON.parse(await mirOutput(['diff', ...words, '--json'], { home: at }));
}

const moved = [{ path: 'opt/venv/lib/python3.11/site-packages/tools/moving.py', from: 'tools', to: 'movers' }];

test('packages that came, went and changed are told, and files that another package installs', async () => {
  const found = await diff(['side/a', 'side/b']);
  assert.deepEqual([found.before.digest, found.after.digest], [first.digest, second.digest]);
  assert.deepEqual(
    found.python.changes.map(({ name, change }) => [name, change]),
    [
      ['movers', 'added'],
      ['tools', 'version'],
    ],
  );
  assert.deepEqual(found.movedFiles, moved);
  assert.deepEqual(found.os.changes, []);
  assert.ok(found.os.same > 100, 'the packages of a Debian base count');
});

test('layers and bytes that are shared are those that both manifests name', async () => {
  const { layers } = await diff(['side/a', 'side/b']);
  const digests = second.layers.map(({ digest }) => digest);
  const shared = first.layers.filter(({ digest }) => digests.includes(digest));
  assert.deepEqual(layers?.shared, { count: shared.length, bytes: shared.reduce((sum, { size }) => sum + size, 0) });
  assert.equal(layers?.before.count, first.layers.length - shared.length);
  assert.equal(layers?.after.count, second.layers.length - shared.length);
});

test('where the packages were never seen, --files reads them out of the layers', async () => {
  const remote = ['a', 'b'].map((side) => `registry://${address}/side/${side}`);
  const without = await diff(remote, empty);
  assert.deepEqual(without.unknownFiles, ['movers', 'steady', 'tools']);
  assert.deepEqual(without.movedFiles, []);
  const read = await diff([...remote, '--files'], empty);
  assert.deepEqual(read.movedFiles, moved);
  assert.deepEqual(read.unknownFiles, []);
});

test('of packages that install the same file, the one whose file is seen counts; --files finds the same', async (t) => {
  const own = cleanupOf(t);
  const noise = randomBytes(700_000).toString('hex');
  const both = 'shared/both.py';
  const made = [
    // Large enough for a layer of its own, which lies below the bundles.
    madeWheel('zeta', '1.0', { [both]: 'x = 1\n', 'zeta.txt': noise }),
    madeWheel('alpha', '1.0', { [both]: 'x = 2\n' }),
    // As on the package index; and with a package inside, as many have.
    madeWheel('bytecode', '1.0', {
      'bytecode/__init__.py': '',
      'bytecode/_vendor/alpha.py': '',
      'bytecode/_vendor/alpha-1.0.dist-info/RECORD': 'alpha.py,,\n',
    }),
  ];
  const [zeta, alpha, bytecode] = made.map(({ filename }) => filename) as [string, string, string];
  const { lockOf } = await serveWheels(made, own);
  const at = await copyHome(home, own);
  const words = ['--python', '3.11', '--platform', 'linux/amd64', '--no-bytecode', '--lock'];
  for (const [name, lock] of Object.entries({ zeta: lockOf(zeta, bytecode), both: lockOf(zeta, alpha, bytecode) })) {
    const path = join(folder, `pylock.${name}.toml`);
    await writeFile(path, lock);
    await build([...words, path, '-t', `side/${name}`], { home: at });
  }
  const wanted = [{ path: `opt/venv/lib/python3.11/site-packages/${both}`, from: 'zeta', to: 'alpha' }];
  assert.deepEqual((await diff(['side/zeta', 'side/both'], at)).movedFiles, wanted);
  const host = await serveHome(at, own);
  const read = await diff([`registry://${host}/side/zeta`, `registry://${host}/side/both`, '--files'], empty);
  assert.deepEqual([read.movedFiles, read.unknownFiles], [wanted, []]);
});

test('an image is nothing else than its lock, and than itself', async () => {
  const self = await diff(['side/a', `registry://${address}/side/a@${first.digest}`]);
  assert.deepEqual([self.python.changes, self.os.changes, self.layers?.before.count], [[], [], 0]);
  const lock = await diff([join(folder, 'pylock.a.toml'), 'side/a']);
  assert.deepEqual(lock.python.changes, []);
  assert.equal(lock.layers, undefined);
});

test('OS packages are compared; those of a base that nobody listed are left out', async () => {
  const words = ['--lock', join(folder, 'pylock.a.toml')];
  await publishBase(home, '1');
  const onImage = await build([...words, '--base', `oci:${address}/bases/debian:1`, '-t', 'side/c'], { home });
  const found = await diff(['side/a', 'side/c']);
  assert.equal(found.after.digest, onImage.digest);
  assert.deepEqual(found.os.changes, []);
  const more = await build(['-p', 'six==1.16.0', '--os-package', 'libgomp1', '--python', '3.11', '-t', 'side/d'], {
    home,
  });
  const added = await diff(['side/a', 'side/d']);
  assert.equal(added.after.digest, more.digest);
  assert.deepEqual(
    added.os.changes.map(({ name, change }) => [name, change]),
    [['libgomp1', 'added']],
  );
});

test('people get lines that line up, and a clear fault for what cannot be compared', async () => {
  const lines = (await mirOutput(['diff', 'side/a', 'side/b'], { home })).split('\n');
  assert.ok(lines.includes('Python packages: 1 added, 0 removed, 1 changed, 1 the same'), lines.join('\n'));
  const rows = lines.filter((line) => /^ {2}[+~-] {2}/.test(line));
  assert.equal(rows.length, 2);
  assert.equal(new Set(rows.map((row) => row.length)).size, 1);
  const { status, errors } = await mir(['diff', 'side/a', 'bases/none'], { home });
  assert.equal(status, 1);
  assertReadable(errors);
  assert.equal((await mir(['diff', 'side/a'], { home })).status, 2);
});
