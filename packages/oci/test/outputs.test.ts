import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  BlobStore,
  digestOf,
  Image,
  ImageSet,
  mediaTypes,
  RepositoryStore,
  readLayout,
  writeDockerArchive,
  writeLayout,
} from '../src/index.ts';
import { afterwards, collect, run, startRegistry, storeImage, temporaryFolder } from './registry-fixture.ts';

async function open(t: TestContext) {
  const folder = await temporaryFolder(t);
  return { folder, blobs: await BlobStore.open(join(folder, 'store')) };
}

const insecure = ['--insecure-policy', '--override-os', 'linux', '--override-arch', 'amd64'];

async function skopeo(...parameters: readonly string[]): Promise<string> {
  const outcome = await run('skopeo', [...insecure, ...parameters]);
  assert.equal(outcome.code, 0, outcome.errors);
  return outcome.output;
}

test('skopeo copies from this registry, and to it', async (t) => {
  const { folder, blobs } = await open(t);
  const registry = await startRegistry(t);
  const image = await storeImage(registry.blobs, 'one');
  await registry.blobs.put(image.configBytes);
  await registry.repositories.putManifest('team/fraud', image.manifestBytes, image.mediaType, { tags: ['v1'] });
  await skopeo('copy', '--src-tls-verify=false', `docker://${registry.host}/team/fraud:v1`, `oci:${folder}/copied:v1`);
  const layout = await readLayout(join(folder, 'copied'));
  assert.equal(layout.resolve('v1').digest, image.digest);
  assert.equal((await layout.image(layout.resolve())).digest, image.digest);
  await skopeo('copy', '--dest-tls-verify=false', `oci:${folder}/copied:v1`, `docker://${registry.host}/other:v2`);
  assert.equal(await registry.repositories.resolve('other', 'v2'), image.digest);
  assert.match(await skopeo('list-tags', '--tls-verify=false', `docker://${registry.host}/other`), /"v2"/);
  await skopeo('delete', '--tls-verify=false', `docker://${registry.host}/other:v2`);
  assert.deepEqual(await registry.repositories.tags('other'), []);
  assert.deepEqual(registry.errors, []);
  assert.ok(blobs);
});

test('skopeo reads a layout that was written here, image and index', async (t) => {
  const { folder, blobs } = await open(t);
  const amd64 = await storeImage(blobs, 'one');
  const set = ImageSet.create([amd64, await storeImage(blobs, 'two', 'arm64')]);
  const target = join(folder, 'layout');
  await writeLayout(target, [{ image: amd64, name: 'single' }], blobs);
  await writeLayout(target, [{ image: set, name: 'several' }], blobs);
  assert.deepEqual((await readdir(target)).sort(), ['blobs', 'index.json', 'oci-layout']);
  await skopeo('copy', `oci:${target}:single`, `dir:${folder}/single`);
  await skopeo('copy', '--all', `oci:${target}:several`, `dir:${folder}/several`);
  assert.equal(digestOf(await readFile(join(folder, 'single', 'manifest.json'))), amd64.digest);
  assert.equal(digestOf(await readFile(join(folder, 'several', 'manifest.json'))), set.digest);
});

test('an image of the same name is replaced, others stay', async (t) => {
  const { folder, blobs } = await open(t);
  const [one, two] = [await storeImage(blobs, 'one'), await storeImage(blobs, 'two')];
  const target = join(folder, 'layout');
  await writeLayout(
    target,
    [
      { image: one, name: 'a' },
      { image: one, name: 'b' },
    ],
    blobs,
  );
  await writeLayout(target, [{ image: two, name: 'a' }], blobs);
  const layout = await readLayout(target);
  assert.deepEqual(
    [layout.resolve('a').digest, layout.resolve('b').digest, layout.index.manifests.length],
    [two.digest, one.digest, 2],
  );
  assert.throws(() => layout.resolve(), { code: 'layout/unknown-reference' });
  assert.throws(() => layout.resolve('c'), { code: 'layout/unknown-reference' });
  assert.deepEqual(await collect(layout.blobs.read(two.digest)), Buffer.from(two.manifestBytes));
});

test('a folder with other files is never written to, and a failure leaves no layout', async (t) => {
  const { folder, blobs } = await open(t);
  const image = await storeImage(blobs);
  await mkdir(join(folder, 'home'));
  await writeFile(join(folder, 'home', 'letter'), 'dear');
  await assert.rejects(writeLayout(join(folder, 'home'), [{ image }], blobs), { code: 'layout/not-a-layout' });
  assert.deepEqual(await readdir(join(folder, 'home')), ['letter']);
  const empty = await BlobStore.open(join(folder, 'empty'));
  await assert.rejects(writeLayout(join(folder, 'layout'), [{ image }], empty), { code: /^(blob\/unknown|ENOENT)$/ });
  await assert.rejects(writeDockerArchive(join(folder, 'archive.tar'), [{ image, tags: [] }], empty), {
    code: 'blob/unknown',
  });
  assert.deepEqual((await readdir(folder)).sort(), ['home', 'store']);
  await assert.rejects(readLayout(join(folder, 'nowhere')), { code: 'layout/not-a-layout' });
});

test('skopeo reads a docker archive that was written here, and it is the same every time', async (t) => {
  const { folder, blobs } = await open(t);
  const image = await storeImage(blobs);
  for (const name of ['a.tar', 'b.tar'])
    await writeDockerArchive(join(folder, name), [{ image, tags: ['team/fraud:v1', 'team/fraud:latest'] }], blobs);
  assert.deepEqual(await readFile(join(folder, 'a.tar')), await readFile(join(folder, 'b.tar')));
  await skopeo('copy', `docker-archive:${folder}/a.tar:team/fraud:v1`, `dir:${folder}/dir`);
  const { config } = JSON.parse(await readFile(join(folder, 'dir', 'manifest.json'), 'utf8')) as {
    config: { digest: string };
  };
  assert.equal(config.digest, image.manifest.config.digest);
  await skopeo('copy', `oci-archive:${folder}/a.tar:team/fraud:v1`, `dir:${folder}/oci`);
  assert.equal(digestOf(await readFile(join(folder, 'oci', 'manifest.json'))), image.digest);
});

test('docker loads the archive', { timeout: 120_000 }, async (t) => {
  if (process.getuid?.() !== 0) return t.skip('dockerd starts for root only');
  const { folder, blobs } = await open(t);
  const image = await storeImage(blobs);
  await writeDockerArchive(join(folder, 'a.tar'), [{ image, tags: ['team/fraud:v1'] }], blobs);
  const socket = join(folder, 'docker.sock');
  const daemon = spawn(
    'dockerd',
    [
      '--iptables=false',
      '--ip6tables=false',
      '--bridge=none',
      '-H',
      `unix://${socket}`,
      '--data-root',
      join(folder, 'data'),
      '--exec-root',
      join(folder, 'exec'),
      '--pidfile',
      join(folder, 'pid'),
      '--storage-driver',
      'vfs',
    ],
    { stdio: 'ignore' },
  );
  const ended = once(daemon, 'close');
  afterwards(t, async () => {
    daemon.kill('SIGTERM');
    await ended;
  });
  const docker = async (...parameters: readonly string[]) =>
    await run('docker', ['-H', `unix://${socket}`, ...parameters]);
  for (let attempt = 0; (await docker('version')).code !== 0; attempt++) {
    assert.ok(attempt < 100 && daemon.exitCode === null, 'dockerd did not start');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const loaded = await docker('load', '-i', join(folder, 'a.tar'));
  assert.equal(loaded.code, 0, loaded.errors);
  const inspected = await docker('inspect', '--format', '{{.Id}} {{len .RootFS.Layers}}', 'team/fraud:v1');
  assert.equal(inspected.output.trim(), `${image.manifest.config.digest} 2`);
});

test('zstd layers are refused for docker archives by name', async (t) => {
  const { folder, blobs } = await open(t);
  const image = await storeImage(blobs);
  const { parts } = image;
  const zstd = Image.create({
    ...parts,
    layers: parts.layers.map((layer) => ({
      ...layer,
      descriptor: { ...layer.descriptor, mediaType: mediaTypes.ociLayerZstd },
    })),
  });
  await assert.rejects(writeDockerArchive(join(folder, 'a.tar'), [{ image: zstd, tags: [] }], blobs), {
    code: 'docker-archive/unsupported',
  });
});

test('an image is changed by making another one, and its history fits its layers', async (t) => {
  const { blobs } = await open(t);
  const plain = await storeImage(blobs, 'one');
  const [bottom, top] = plain.layers;
  assert.ok(bottom !== undefined && top !== undefined);
  const base = Image.create({
    config: { ...plain.parts.config, history: [{ created_by: 'base' }, { created_by: 'ENV', empty_layer: true }] },
    layers: [{ ...bottom, descriptor: { ...bottom.descriptor, mediaType: mediaTypes.dockerLayerGzip } }],
  });
  assert.equal(base.layers[0]?.descriptor.mediaType, mediaTypes.ociLayerGzip, 'an OCI manifest has OCI layers');
  const derived = base.withLayers([{ ...top, history: { created_by: 'wheel' } }]).withAnnotations({ b: '2', a: '1' });
  assert.deepEqual(derived.config.history, [
    { created_by: 'base' },
    { created_by: 'ENV', empty_layer: true },
    { created_by: 'wheel' },
  ]);
  assert.deepEqual(derived.config.rootfs.diff_ids, [bottom.diffId, top.diffId]);
  assert.deepEqual(Object.keys(derived.manifest.annotations ?? {}), ['a', 'b']);
  assert.equal(base.layers.length, 1);
  const parsed = Image.parse(derived.manifestBytes, derived.configBytes);
  assert.equal(parsed.digest, derived.digest);
  assert.equal(Image.create(parsed.parts).digest, derived.digest, 'parts make the image again');
  assert.equal(derived.asOci(), derived);
  assert.deepEqual(derived.withConfig((config) => ({ ...config, author: 'x' })).config.rootfs, derived.config.rootfs);
  assert.throws(() => Image.parse(derived.manifestBytes, base.configBytes), { code: 'manifest/malformed' });
});

test('a Docker image becomes an OCI image over the same layers', async (t) => {
  const { blobs } = await open(t);
  const image = await storeImage(blobs);
  const dockerManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: { ...image.manifest.config, mediaType: mediaTypes.dockerConfig },
    layers: image.manifest.layers.map((layer) => ({ ...layer, mediaType: mediaTypes.dockerLayerGzip })),
  };
  const docker = Image.parse(Buffer.from(JSON.stringify(dockerManifest)), image.configBytes, mediaTypes.dockerManifest);
  assert.equal(docker.asOci().withAnnotations(image.manifest.annotations ?? {}).digest, image.digest);
  const repositories = await RepositoryStore.open(blobs);
  await blobs.put(image.configBytes);
  assert.equal(
    (await repositories.putManifest('docker', docker.manifestBytes, docker.mediaType)).mediaType,
    mediaTypes.dockerManifest,
  );
  assert.ok((await stat(blobs.path(docker.digest))).isFile());
});

test('what killed writers of the same output left is removed by the next one, and nothing else', async (t) => {
  const { blobs } = await open(t);
  const folder = await temporaryFolder(t);
  const image = await storeImage(blobs);
  const gone = spawn('true');
  await once(gone, 'close');
  const uuid = '00000000-0000-4000-8000-000000000000';
  const names = ['image.tar', 'layout'].map((target) => `.${target}.${gone.pid}.${uuid}.${hostname()}.unfinished`);
  const others = [
    `.image.tar.${process.pid}.${uuid}.${hostname()}.unfinished`,
    `.image.tar.1.${uuid}.another-host.unfinished`,
    '.image.tar.notes.unfinished',
  ];
  for (const name of [...names, ...others]) await writeFile(join(folder, name), 'half');
  await writeDockerArchive(join(folder, 'image.tar'), [{ image, tags: ['a:1'] }], blobs);
  await writeLayout(join(folder, 'layout'), [{ image, name: 'a:1' }], blobs);
  assert.deepEqual((await readdir(folder)).sort(), [...others, 'image.tar', 'layout'].sort());
});
