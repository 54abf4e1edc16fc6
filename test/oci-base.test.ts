import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chooseBase, Workshop } from '@mir/builder';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import { build, mir, wheelLayersOf } from './support/mir.ts';
import { serveHome } from './support/registry.ts';

const cleanup = cleanupOf({ after });
const packages = ['-p', 'six==1.16.0', '-p', 'pygments==2.18.0', '--os-package', 'libgomp1'];
let home: string;
let address: string;

/** A Debian base becomes an image like any other: pulled by its name, it is known by its files alone. */
before(async () => {
  home = await warmHome(cleanup);
  const environment = { ...process.env, MIR_HOME: home };
  await using workshop = await Workshop.open({ environment, now: () => new Date() });
  const { image } = await chooseBase(workshop, { platform: 'linux/amd64', base: 'debian:bookworm' });
  await workshop.blobs.put(image.configBytes);
  await workshop.repositories.putManifest('bases/debian', image.manifestBytes, image.mediaType, { tags: ['1'] });
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
