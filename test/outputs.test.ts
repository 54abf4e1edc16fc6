import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { type BuiltImage, build, mir, mirOutput } from './support/mir.ts';
import { succeed } from './support/program.ts';
import { serveHome, startForeignRegistry } from './support/registry.ts';

const spec = ['--python', '3.11', '-p', 'six==1.16.0', '-t', 'team/outputs:3'];

const cleanup = cleanupOf({ after });
let home: string;
let embedded: BuiltImage;

before(async () => {
  home = await warmHome(cleanup);
  embedded = await build(spec, { home });
});

type SkopeoInspection = { readonly Digest: string; readonly Architecture: string; readonly Layers: readonly string[] };

async function inspect(...words: readonly string[]): Promise<SkopeoInspection> {
  return JSON.parse(await succeed('skopeo', ['inspect', ...words]));
}

const layerDigests = (image: BuiltImage) => image.layers.map(({ digest }) => digest);

test('an OCI layout is what skopeo reads', async (t) => {
  const layout = join(await temporaryFolder(cleanupOf(t)), 'layout');
  const built = await build([...spec, '-o', `oci:${layout}`], { home });
  assert.equal(built.digest, embedded.digest);
  const seen = await inspect(`oci:${layout}:team/outputs:3`);
  assert.equal(seen.Digest, embedded.digest);
  assert.deepEqual(seen.Layers, layerDigests(embedded));
});

test('an OCI layout holds a second image beside the first', async (t) => {
  const layout = join(await temporaryFolder(cleanupOf(t)), 'layout');
  const one = await build([...spec, '-o', `oci:${layout}`], { home });
  const two = await build(['-p', 'idna==3.7', '-t', 'other', '-o', `oci:${layout}`], { home });
  assert.equal((await inspect(`oci:${layout}:team/outputs:3`)).Digest, one.digest);
  assert.equal((await inspect(`oci:${layout}:other:latest`)).Digest, two.digest);
});

test('a docker archive is what skopeo reads, layer by layer', async (t) => {
  const file = join(await temporaryFolder(cleanupOf(t)), 'image.tar');
  const built = await build([...spec, '-o', `docker-archive:${file}`], { home });
  assert.equal(built.digest, embedded.digest);
  const config = JSON.parse(await succeed('skopeo', ['inspect', '--config', `docker-archive:${file}:team/outputs:3`]));
  assert.deepEqual(
    config.rootfs.diff_ids,
    embedded.layers.map(({ diffId }) => diffId),
  );
  assert.ok((await stat(file)).size > 50_000_000);
});

test('another registry takes the image, and a second push sends nothing', async (t) => {
  const own = cleanupOf(t);
  const registry = await startForeignRegistry(own);
  const pushed = await build([...spec, '-o', `registry://${registry}/team/pushed`], { home });
  assert.equal(pushed.digest, embedded.digest);
  assert.ok(pushed.sentBytes > 50_000_000);
  const again = await build([...spec, '-o', `registry://${registry}/team/pushed:again`], { home });
  assert.equal(again.sentBytes, 0);
  const folder = await temporaryFolder(own);
  for (const tag of ['3', 'again']) {
    await succeed('skopeo', [
      ...['copy', '--src-tls-verify=false', `docker://${registry}/team/pushed:${tag}`, `dir:${folder}/${tag}`],
    ]);
    const digest = await succeed('skopeo', ['manifest-digest', `${folder}/${tag}/manifest.json`]);
    assert.equal(digest, embedded.digest);
  }
  const seen = await mirOutput(['inspect', `registry://${registry}/team/pushed:3`], { home });
  assert.ok(seen.includes(embedded.digest), seen);
});

test('the embedded registry takes an image from a client, and mir inspects it', async (t) => {
  const address = await serveHome(home, cleanupOf(t));
  const target = `docker://${address}/copied/elsewhere:9`;
  await succeed('skopeo', [
    ...['copy', '--src-tls-verify=false', '--dest-tls-verify=false', `docker://${address}/team/outputs:3`, target],
  ]);
  assert.match(await mirOutput(['inspect', 'copied/elsewhere:9'], { home }), /six +1\.16\.0/);
});

test('a registry that takes accounts only lets nobody else in', async (t) => {
  const own = cleanupOf(t);
  const folder = await temporaryFolder(own);
  await succeed('sh', ['-c', 'umask 077; echo ann:secret-word >accounts'], { cwd: folder });
  const address = await serveHome(home, own, ['--accounts', join(folder, 'accounts')]);
  const refused = await mir([...['build', ...spec], '-o', `registry://${address}/closed`], {
    home,
    environment: { DOCKER_CONFIG: folder },
  });
  assert.equal(refused.status, 1);
  assert.match(refused.errors, /\(registry\/unauthorized\)/);
  const credentials = { auths: { [address]: { auth: Buffer.from('ann:secret-word').toString('base64') } } };
  await succeed('sh', ['-c', 'printf %s "$1" >config.json', 'sh', JSON.stringify(credentials)], { cwd: folder });
  const pushed = await build([...spec, '-o', `registry://${address}/closed`], {
    home,
    environment: { DOCKER_CONFIG: folder },
  });
  assert.equal(pushed.digest, embedded.digest);
});
