import assert from 'node:assert/strict';
import { copyFile, open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { publishBase } from './support/bases.ts';
import { cleanupOf } from './support/cleanup.ts';
import { assertReadable } from './support/fault-message.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { madeWheel, serveWheels } from './support/made-wheel.ts';
import { type BuiltImage, build, contentOf, mir, mirOutput, wheelLayersOf } from './support/mir.ts';
import { run, succeed } from './support/program.ts';
import { serveHome, startForeignRegistry } from './support/registry.ts';

const machines = { 'linux/amd64': 62, 'linux/arm64': 183 } as const;
type Platform = keyof typeof machines;
const platforms = Object.keys(machines) as Platform[];
const both = platforms.flatMap((platform) => ['--platform', platform]);
const spec = [
  ...['--python', '3.11', '-p', 'pygments==2.18.0', '-p', 'markupsafe==2.1.5', '-p', 'pandas==2.2.3'],
  ...['--os-package', 'libgomp1'],
];
const skip = process.getuid?.() === 0 ? false : 'entering the unpacked image needs root';

type PlatformImage = Pick<BuiltImage, 'digest' | 'lock' | 'layers'> & { readonly platform: Platform };
type Index = Pick<BuiltImage, 'digest' | 'name' | 'receivedBytes' | 'sentBytes'> & {
  readonly images: readonly PlatformImage[];
};

const cleanup = cleanupOf({ after });
const state = { home: '', layout: '', folder: '' };
const roots = new Map<Platform, string>();
let index: Index;

before(async () => {
  state.home = await warmHome(cleanup);
  state.folder = await temporaryFolder(cleanup);
  state.layout = join(state.folder, 'layout');
  index = await buildIndex([...spec, ...both, '-t', 'both', '-o', `oci:${state.layout}`]);
  for (const { platform, layers } of index.images) roots.set(platform, await unpacked(platform, layers));
});

async function buildIndex(words: readonly string[]): Promise<Index> {
  return (await build(words, state)) as BuiltImage & Index;
}

async function unpacked(platform: Platform, layers: PlatformImage['layers']): Promise<string> {
  const root = join(state.folder, platform.replace('/', '-'));
  await succeed('mkdir', [root]);
  for (const { digest } of layers) {
    const blob = join(state.layout, 'blobs', digest.replace(':', '/'));
    await succeed('tar', ['--extract', '--gzip', '--no-same-owner', '--file', blob, '--directory', root]);
  }
  return root;
}

function imageFor(platform: Platform): BuiltImage {
  const image = index.images.find((one) => one.platform === platform);
  assert.ok(image);
  return image as unknown as BuiltImage;
}

test('one command makes an index of both platforms, whatever their order', async () => {
  const raw = JSON.parse(await succeed('skopeo', ['inspect', '--raw', `oci:${state.layout}:both:latest`]));
  assert.equal(raw.mediaType, 'application/vnd.oci.image.index.v1+json');
  const listed = raw.manifests.map(
    (one: { digest: string; platform: { os: string; architecture: string } }) =>
      `${one.platform.os}/${one.platform.architecture} ${one.digest}`,
  );
  assert.deepEqual(
    listed,
    index.images.map(({ platform, digest }) => `${platform} ${digest}`),
  );
  const again = await buildIndex([
    ...spec,
    ...[...platforms].reverse().flatMap((platform) => ['--platform', platform]),
    '-t',
    'both',
  ]);
  assert.equal(again.digest, index.digest);
  assert.equal(again.receivedBytes, 0);
  const alone = await build([...spec, '--platform', 'linux/arm64', '-t', 'alone'], state);
  assert.equal(alone.digest, imageFor('linux/arm64').digest);
});

for (const platform of platforms) {
  test(`the image for ${platform} says so, and so does each program in it`, async () => {
    const architecture = platform.slice('linux/'.length);
    const source = `oci:${state.layout}:both:latest`;
    const config = JSON.parse(
      await succeed('skopeo', ['--override-arch', architecture, 'inspect', '--config', source]),
    );
    assert.equal(`${config.os}/${config.architecture}`, platform);
    const found = await elfMachines(roots.get(platform) ?? '');
    const names = [...found.keys()].join('\n');
    assert.match(names, /opt\/venv\/.*\/markupsafe\/_speedups\.[^/]*\.so/);
    assert.match(names, /opt\/venv\/.*\/pandas\/_libs\/.*\.so/);
    assert.match(names, /libgomp\.so/);
    assert.deepEqual(
      [...found].filter(([, machine]) => machine !== machines[platform]),
      [],
    );
  });
}

test('the image for arm64 runs: numpy and pandas work in it', { skip }, async () => {
  const root = roots.get('linux/arm64') ?? '';
  const emulator = await succeed('sh', ['-c', 'command -v qemu-aarch64-static']);
  await copyFile(emulator, join(root, 'qemu'));
  const program =
    'import os, platform, pandas; print(platform.machine(), pandas.DataFrame({"a": [1, 2]}).a.sum(), os.path.exists(pandas.__cached__))';
  const said = await succeed('chroot', [root, '/qemu', '/opt/venv/bin/python', '-c', program]);
  assert.equal(said, 'aarch64 3 True');
});

test('a pure Python package has the same layer on both platforms', () => {
  const [amd64, arm64] = platforms.map((platform) => wheelLayersOf(imageFor(platform)));
  const pure = (layers: readonly string[] = []) => layers.filter((layer) => layer.includes('pygments'));
  assert.equal(pure(amd64).length, 1);
  assert.deepEqual(pure(arm64), pure(amd64));
  assert.notDeepEqual(arm64, amd64);
});

test('a package has the same bytecode on both platforms', () => {
  const bytecode = (platform: Platform) =>
    imageFor(platform)
      .layers.filter((layer) => layer.annotations?.['org.managed-image-registry.layer.role'] === 'bytecode')
      .filter((layer) => /^pygments /.test(contentOf(layer)))
      .map(({ digest }) => digest);
  assert.deepEqual(bytecode('linux/arm64'), bytecode('linux/amd64'));
});

test('a wheel for any platform is fetched and converted once for both', async (t) => {
  const wheels = ['one', 'two', 'three'].map((name) => madeWheel(name, '1.0', { [`${name}.py`]: `x = "${name}"\n` }));
  const { asked, lockOf } = await serveWheels(wheels, cleanupOf(t));
  const lock = join(state.folder, 'pylock.toml');
  await writeFile(lock, lockOf(...wheels.map(({ filename }) => filename)));
  const made = await buildIndex(['--lock', lock, '--python', '3.11', ...both, '-t', 'any']);
  assert.deepEqual([...asked].sort(), wheels.map(({ filename }) => filename).sort());
  const [amd64, arm64] = made.images.map(({ layers }) => layers.map(({ digest }) => digest));
  const shared = amd64?.filter((digest) => arm64?.includes(digest)) ?? [];
  assert.equal(made.images.length, 2);
  // Base (files, bytecode of its library) and lock differ; environment and packages do not.
  assert.equal(shared.length, (amd64?.length ?? 0) - 3);
});

test('each platform has a lock of its own, and the locks give the same index', async () => {
  const path = join(state.folder, 'pylock.toml');
  const words = ['-p', 'markupsafe==2.1.5', '--python', '3.11', ...both, '-t', 'locked'];
  const first = await buildIndex([...words, '--lock-out', path]);
  const locks = ['pylock.linux-amd64.toml', 'pylock.linux-arm64.toml'].map((name) => join(state.folder, name));
  const again = await buildIndex([...locks.reverse().flatMap((lock) => ['--lock', lock]), '-t', 'relocked']);
  assert.equal(again.digest, first.digest);
  const [arm64 = '', amd64 = ''] = locks;
  const one = await build(['--lock', arm64, '-t', 'one'], state);
  assert.equal(one.digest, first.images.find(({ platform }) => platform === 'linux/arm64')?.digest);
  const planned = await mirOutput(['plan', ...words.slice(0, -2), '--quick', '--json'], state);
  const plans = planned.split('\n').filter((line) => line.startsWith('{"type":"plan"'));
  assert.deepEqual(
    plans.map((line) => JSON.parse(line).lock),
    first.images.map(({ lock }) => lock),
  );
  const team = join(state.folder, 'pylock.team.toml');
  await mirOutput(['plan', ...words.slice(0, -2), '--quick', '--lock-out', team], state);
  assert.ok((await readdir(state.folder)).includes('pylock.team-linux-arm64.toml'));
  for (const wrong of [
    ['--lock', amd64, '--platform', 'linux/arm64'],
    ['--lock', amd64, '--lock', amd64],
    ['--lock', amd64, ...both],
  ]) {
    const { status, errors } = await mir(['build', ...wrong, '-t', 'wrong'], state);
    assert.equal(status, 2, errors);
    assertReadable(errors);
  }
});

test('inspect shows what an index lists, and each image of it', async () => {
  await buildIndex([...spec, ...both, '-t', 'shown']);
  const said = await mirOutput(['inspect', 'shown'], state);
  for (const { platform, digest } of index.images) assert.match(said, new RegExp(`${platform} .*${digest}`));
  const arm64 = await mirOutput(['inspect', 'shown', '--platform', 'linux/arm64'], state);
  assert.ok(arm64.includes(imageFor('linux/arm64').digest), arm64);
  assert.match(arm64, /pandas +2\.2\.3/);
  const { status, errors } = await mir(['inspect', 'shown', '--lock'], state);
  assert.equal(status, 2);
  assertReadable(errors);
});

test('registries take an index with all its images, and give each', async (t) => {
  const own = cleanupOf(t);
  const registry = await startForeignRegistry(own);
  const pushed = await buildIndex([...spec, ...both, '-t', 'x', '-o', `registry://${registry}/team/both:1`]);
  assert.equal(pushed.digest, index.digest);
  await buildIndex([...spec, ...both, '-t', 'team/both:1']);
  await succeed('skopeo', [
    ...['copy', '--all', '--src-tls-verify=false'],
    ...[`docker://${registry}/team/both:1`, `oci:${join(state.folder, 'copy')}:both`],
  ]);
  for (const address of [registry, await serveHome(state.home, own)]) {
    const raw = await succeed('skopeo', ['inspect', '--tls-verify=false', '--raw', `docker://${address}/team/both:1`]);
    assert.equal(JSON.parse(raw).manifests.length, 2);
    const seen = JSON.parse(await mirOutput(['inspect', `registry://${address}/team/both:1`, '--json'], state));
    assert.equal(seen.digest, index.digest);
    assert.deepEqual(
      seen.images.map(({ platform, digest }: PlatformImage) => [platform, digest]),
      index.images.map(({ platform, digest }) => [platform, digest]),
    );
  }
});

test('an archive for docker takes one platform, and says so before anything is done', async () => {
  const file = join(state.folder, 'both.tar');
  const { status, errors } = await mir(
    ['build', ...spec, ...both, '-t', 'both', '-o', `docker-archive:${file}`],
    state,
  );
  assert.equal(status, 1);
  assertReadable(errors);
  assert.match(errors, /\(output\/one-platform\)/);
  assert.notEqual((await run('test', ['-e', file])).status, 0);
});

test('an index is rebased as a whole, or not at all', async (t) => {
  const built = await buildIndex([...spec, ...both, '-t', 'moving']);
  const same = JSON.parse(
    (await mirOutput(['rebase', 'moving', '--base', 'debian:bookworm', '-t', 'moved', '--json'], state))
      .trimEnd()
      .split('\n')
      .at(-1) ?? '',
  );
  assert.equal(same.digest, built.digest);
  assert.deepEqual(
    same.images.map(({ platform }: PlatformImage) => platform),
    platforms,
  );
  await publishBase(state.home, '1');
  const base = `oci:${await serveHome(state.home, cleanupOf(t))}/bases/debian:1`;
  const { status, errors } = await mir(['rebase', 'moving', '--base', base], state);
  assert.equal(status, 1);
  assert.match(
    errors,
    /moving \(linux\/arm64\) cannot be put on oci:.*it is for linux\/amd64: take a base for linux\/arm64/s,
  );
  assert.match(errors, /\(rebase\/refused\)/);
  const seen = JSON.parse(await mirOutput(['inspect', 'moving', '--json'], state));
  assert.equal(seen.digest, built.digest);
});

/** The machine (ELF header, e_machine) that each ELF file below a folder is for. */
async function elfMachines(folder: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === 'qemu') continue;
    const path = join(entry.parentPath, entry.name);
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(20) });
    const isElf = bytesRead === 20 && buffer.subarray(0, 4).equals(Buffer.from('\x7fELF'));
    if (isElf) found.set(path, buffer.readUInt16LE(18));
  }
  return found;
}
