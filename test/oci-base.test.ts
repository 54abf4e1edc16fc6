import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { publishBase } from './support/bases.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { build, mir, mirOutput, wheelLayersOf } from './support/mir.ts';
import { succeed } from './support/program.ts';
import { serveHome } from './support/registry.ts';

const cleanup = cleanupOf({ after });
const packages = ['-p', 'six==1.16.0', '-p', 'pygments==2.18.0', '--os-package', 'libgomp1'];
let home: string;
let address: string;

before(async () => {
  home = await warmHome(cleanup);
  await publishBase(home, '1');
  address = await serveHome(home, cleanup);
});

test('an image with a Python is a base: its wheels are those of any other, and OS packages go on top', async () => {
  const platform = ['--platform', 'linux/amd64'];
  const own = await build([...packages, ...platform, '-t', 'own'], { home });
  const foreign = await build([...packages, ...platform, '-t', 'foreign', '--base', `oci:${address}/bases/debian:1`], {
    home,
  });
  assert.deepEqual(wheelLayersOf(foreign), wheelLayersOf(own));
  assert.ok(wheelLayersOf(own).length > 0);
  assert.equal(foreign.layers.length, own.layers.length);
});

test('an image that holds an environment already is no base', async () => {
  await build([...packages, '-t', 'full:1'], { home });
  const { status, errors } = await mir(
    ['build', '-p', 'six==1.15.0', '-t', 'mixed', '--base', `oci:${address}/full:1`],
    { home },
  );
  assert.equal(status, 1);
  assert.match(errors, /\(base\/environment\)/);
});

test("a base in Docker's format is known by the digest that its registry knows: its locks can be built again", async (t) => {
  const own = cleanupOf(t);
  const [oci, docker] = ['1', 'docker'].map((tag) => `docker://${address}/bases/debian:${tag}`);
  const plain = ['--src-tls-verify=false', '--dest-tls-verify=false'];
  await succeed('skopeo', ['copy', '--format', 'v2s2', ...plain, oci ?? '', docker ?? '']);
  const published = await succeed('skopeo', ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', docker ?? '']);
  const lock = join(await temporaryFolder(own), 'pylock.toml');
  const words = ['-p', 'six==1.16.0', '--platform', 'linux/amd64', '--base', `oci:${address}/bases/debian:docker`];
  const built = await build([...words, '-t', 'docker', '--lock-out', lock], { home });
  const labels = JSON.parse(await mirOutput(['inspect', 'docker', '--json'], { home })).labels;
  assert.equal(labels['org.managed-image-registry.base.digest'], published);
  assert.equal((await build(['--lock', lock, '-t', 'again'], { home })).digest, built.digest);
});
