import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { blobPath, damage, type damages } from './support/damage.ts';
import { temporaryFolder } from './support/folder.ts';
import { copyHome, warmHome } from './support/home.ts';
import { type BuiltImage, build, contentOf, mir, mirOutput } from './support/mir.ts';
import { succeed } from './support/program.ts';
import { serveHome, startForeignRegistry } from './support/registry.ts';

const cleanup = cleanupOf({ after });
const spec = [
  ...['--python', '3.11', '-p', 'pygments==2.18.0', '-p', 'markupsafe==2.1.5', '-p', 'six==1.16.0'],
  ...['--no-bytecode', '-t', 'damaged'],
];
let whole: string;
let image: BuiltImage;

before(async () => {
  whole = await warmHome(cleanup);
  image = await build(spec, { home: whole });
});

/** The digest of one of the image's blobs. */
type Pick = (home: string) => Promise<string>;
const layer =
  (matches: RegExp): Pick =>
  async () =>
    image.layers.find((one) => matches.test(contentOf(one)))?.digest ?? '';
const manifest: Pick = async () => image.digest;
const config: Pick = async (home) => {
  const text = await readFile(blobPath(home, image.digest), 'utf8');
  return JSON.parse(text).config.digest;
};
const base: Pick = async () => image.layers[0]?.digest ?? '';
const top: Pick = async () => image.layers.at(-1)?.digest ?? '';

/** What is damaged at once, and a build that reads it. */
const cases: readonly {
  readonly damaged: readonly (readonly [name: string, blob: Pick, how: keyof typeof damages])[];
  readonly output: 'layout' | 'archive' | 'registry';
}[] = [
  {
    damaged: [
      ['a wheel layer', layer(/^pygments/), 'a flipped bit'],
      ['a bundle', layer(/markupsafe/), 'no bytes at all'],
      ['the configuration', config, 'a flipped bit'],
    ],
    output: 'registry',
  },
  {
    damaged: [
      ['a wheel layer', layer(/^pygments/), 'a block of zeros'],
      ['the manifest', manifest, 'a flipped bit'],
    ],
    output: 'layout',
  },
  {
    damaged: [
      ['a wheel layer', layer(/^pygments/), 'a lost end'],
      ['a bundle', layer(/markupsafe/), 'a flipped bit'],
      ['the top layer', top, 'a flipped bit'],
    ],
    output: 'archive',
  },
  { damaged: [['the base', base, 'a flipped bit']], output: 'registry' },
];

for (const { damaged, output } of cases) {
  const names = damaged.map(([name, , how]) => `${how} in ${name}`).join(', ');
  test(`${names}: found by a build that reads it (${output}), and mended`, async (t) => {
    const own = cleanupOf(t);
    const home = await copyHome(whole, own);
    const folder = await temporaryFolder(own);
    const digests = await Promise.all(damaged.map(([, blob]) => blob(home)));
    for (const [at, [, , how]] of damaged.entries()) await damage(home, digests[at] ?? '', how);
    const target = {
      layout: `oci:${folder}/out`,
      archive: `docker-archive:${folder}/out.tar`,
      registry: `registry://${output === 'registry' ? await startForeignRegistry(own) : ''}/team/mended`,
    }[output];
    const mended = await build([...spec, '-o', target], { home });
    assert.equal(mended.digest, image.digest);
    for (const digest of digests) await assertTrue(home, digest);
    const source = {
      layout: `oci:${folder}/out:damaged:latest`,
      archive: `docker-archive:${folder}/out.tar`,
      registry: `docker://${target.slice('registry://'.length)}:latest`,
    }[output];
    // skopeo checks the digest of each blob.
    await succeed('skopeo', ['copy', '--src-tls-verify=false', source, `dir:${folder}/copy`]);
  });
}

async function assertTrue(home: string, digest: string): Promise<void> {
  const bytes = await readFile(blobPath(home, digest));
  assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest);
}

test('what was kept beside a damaged wheel layer is made again too', async (t) => {
  const home = await copyHome(whole, cleanupOf(t));
  const records = await succeed('grep', ['-lr', '"wheel"', join(home, 'records')]);
  for (const path of records.split('\n')) {
    const { facts } = JSON.parse(await readFile(path, 'utf8'));
    await damage(home, facts, 'a flipped bit');
  }
  const other = [...spec, '--os-package', 'libgomp1'];
  const mended = await build(other, { home });
  assert.ok(mended.problems.some(({ code }) => code === 'damaged'));
  assert.equal(mended.digest, (await build(other, { home: await copyHome(whole, cleanupOf(t)) })).digest);
});

test('the registry never serves a damaged blob to its end, and serves the mended one', async (t) => {
  const own = cleanupOf(t);
  const home = await copyHome(whole, own);
  const damaged = await layer(/^pygments/)(home);
  await damage(home, damaged, 'a flipped bit');
  const host = await serveHome(home, own);
  const url = `http://${host}/v2/damaged/blobs/${damaged}`;
  await assert.rejects(async () => (await fetch(url)).arrayBuffer());
  assert.equal((await fetch(url)).status, 404);
  await build(spec, { home });
  const folder = await temporaryFolder(own);
  await succeed('skopeo', ['copy', '--src-tls-verify=false', `docker://${host}/damaged:latest`, `dir:${folder}/copy`]);
});

test('verify names what is damaged and which images lack it, and repairing lets the next build mend it', async (t) => {
  const home = await copyHome(whole, cleanupOf(t));
  const damaged = await layer(/^pygments/)(home);
  await damage(home, damaged, 'a flipped bit');
  const found = await mir(['registry', 'verify'], { home });
  assert.equal(found.status, 1);
  assert.ok(found.output.includes(damaged), found.output);
  assert.match(found.output, /1 blob damaged[\s\S]*damaged:latest lacks 1 blob[\s\S]*--repair/);
  const again = JSON.parse((await mir(['registry', 'verify', '--json', '--repair'], { home })).output);
  assert.deepEqual(
    again.damaged.map((one: { digest: string }) => one.digest),
    [damaged],
  );
  assert.match((await mir(['registry', 'verify'], { home })).output, /all as they should be[\s\S]*lacks 1 blob/);
  assert.equal((await build(spec, { home })).digest, image.digest);
  assert.match(await mirOutput(['registry', 'verify'], { home }), /all as they should be/);
});
