import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { archiveSettingsOfMachine } from '@mir/debian';
import { startContainer } from './support/buildah.ts';
import { cleanupOf } from './support/cleanup.ts';
import { startDocker } from './support/docker.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { mirOutput } from './support/mir.ts';
import { succeed } from './support/program.ts';
import { serveHome } from './support/registry.ts';

const cleanup = cleanupOf({ after });
const skip = process.getuid?.() === 0 ? false : 'buildah and dockerd need root to start containers here';
const state = { home: '', digest: '', image: '' };

before(async () => {
  state.home = await warmHome(cleanup);
  const said = await mirOutput(['quickstart', '--once'], state);
  state.digest = /digest\s+(sha256:[0-9a-f]{64})/.exec(said)?.[1] ?? '';
  state.image = `${await serveHome(state.home, cleanup)}/rime-managed-images/quickstart:v1`;
});

/** What a person would try first in the image, and what Debian's own tools say of it. */
async function tryOut(inside: (...command: readonly string[]) => Promise<string>): Promise<void> {
  const imports =
    'import os, pandas, sklearn, lightgbm; print(pandas.DataFrame({"a": [1, 2]}).a.sum(), os.path.exists(pandas.__cached__))';
  assert.equal(await inside('python', '-c', imports), '3 True');
  const fit = 'import lightgbm; print(lightgbm.LGBMClassifier().fit([[0], [1]] * 50, [0, 1] * 50).predict([[1]])[0])';
  assert.match(await inside('python', '-c', fit), /(^|\n)1$/);
  assert.match(await inside('numpy-config', '--version'), /^\d+\.\d+/);
  assert.equal(await inside('dpkg', '--audit'), '');
  assert.match(await inside('dpkg-query', '-W', 'libgomp1'), /^libgomp1/);
}

test('quickstart builds an image through an instance, and inspect tells what it holds', async () => {
  assert.match(state.digest, /^sha256:/);
  const said = await mirOutput(['inspect', 'rime-managed-images/quickstart:v1'], state);
  assert.ok(said.includes(state.digest), said);
  for (const name of ['pandas', 'scikit-learn', 'lightgbm', 'numpy'])
    assert.match(said, new RegExp(`\\n {2}${name} +\\d`));
});

test('quickstart says the same digest again, and builds nothing', async () => {
  const said = await mirOutput(['quickstart', '--once'], state);
  assert.ok(said.includes(state.digest), said);
  assert.match(said, /it was there already/);
});

test('skopeo copies the image from the registry', async (t) => {
  const folder = await temporaryFolder(cleanupOf(t));
  await succeed('skopeo', ['copy', '--src-tls-verify=false', `docker://${state.image}`, `dir:${folder}/copy`]);
  const files = await readdir(join(folder, 'copy'));
  const digest = await succeed('skopeo', ['manifest-digest', join(folder, 'copy/manifest.json')]);
  assert.equal(digest, state.digest);
  assert.ok(files.length > 10);
});

test('buildah pulls the image and runs it, and apt works on top of it', { skip }, async (t) => {
  const inside = await startContainer(state.image, cleanupOf(t));
  await tryOut(inside);
  const settings = await archiveSettingsOfMachine('bookworm', process.env);
  const sources = settings?.sources.flatMap(({ uri, suites }) => suites.map((suite) => `deb ${uri} ${suite} main`));
  await inside('sh', '-c', `printf '%s\\n' "$@" > /etc/apt/sources.list`, 'sh', ...(sources ?? []));
  await inside('apt-get', 'update', '-q');
  await inside('apt-get', 'install', '-q', '-y', 'hello');
  await inside('apt-get', 'install', '-q', '-y', '--reinstall', 'dash', 'base-files', 'ca-certificates');
  assert.equal(await inside('hello'), 'Hello, world!');
  assert.equal(await inside('dpkg', '--audit'), '');
});

test('docker pulls the image and runs it', { skip }, async (t) => {
  const docker = await startDocker(cleanupOf(t));
  await docker('pull', '--quiet', state.image);
  await tryOut((...command) => docker('run', '--rm', '--network', 'none', state.image, ...command));
});
