import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BlobStore, parseDigest, readLayer } from '@mir/oci';
import { publishBase } from './support/bases.ts';
import { cleanupOf } from './support/cleanup.ts';
import { root } from './support/folder.ts';
import { copyHome, warmHome } from './support/home.ts';
import { type BuiltImage, build, mir } from './support/mir.ts';
import { run } from './support/program.ts';
import { serveHome } from './support/registry.ts';
import { pathWithoutBubblewrap } from './support/without-bubblewrap.ts';

const cleanup = cleanupOf({ after });
const wheels = ['-p', 'six==1.16.0', '-p', 'pygments==2.18.0', '--platform', 'linux/amd64'];
let home: string;
let address: string;

before(async () => {
  home = await warmHome(cleanup);
  await publishBase(home, 'debian');
  // It says of itself that it is 3.12, which no Debian release has.
  await publishBase(home, 'liar', [
    { path: 'usr/local/bin/python3.12', text: '#!/bin/sh\nexec /usr/bin/python3.11 "$@"\n' },
    { path: 'usr/local/bin/python3', linkTo: 'python3.12' },
  ]);
  await publishBase(home, 'broken', [
    { path: 'usr/local/bin/python3.12', text: '#!/bin/sh\necho "no compiler here" >&2; exit 7\n' },
    { path: 'usr/local/bin/python3', linkTo: 'python3.12' },
  ]);
  address = await serveHome(home, cleanup);
});

test("where no archive is known a base's own Python compiles, in the sandbox; what it made stays with the base", {
  skip: process.getuid?.() === 0 ? false : 'only root can hide the settings of apt from one program',
}, async () => {
  const base = `oci:${address}/bases/debian:debian`;
  const byArchive = await build([...wheels, '-t', 'by-archive', '--base', base], { home });
  const byOwn = await buildWithoutArchive(home, [...wheels, '-t', 'by-own', '--base', base]);
  assert.ok((await modulesOf(home, byArchive)).size > 100);
  assert.deepEqual(await modulesOf(home, byOwn), await modulesOf(home, byArchive));
  assert.notEqual(byOwn.lock, byArchive.lock);

  const elsewhere = await copyHome(home, cleanup);
  for (const folder of ['records', 'cache/sandbox'])
    await rm(join(elsewhere, folder), { recursive: true, force: true });
  const again = await buildWithoutArchive(elsewhere, [...wheels, '-t', 'again', '--base', base]);
  assert.equal(again.digest, byOwn.digest);

  const rebased = await mir(['rebase', 'by-own', '--base', 'debian:bookworm', '-t', 'elsewhere'], { home });
  assert.equal(rebased.status, 1);
  assert.match(rebased.errors, /its bytecode was made by the Python of its own base.*rebuild from the requirements/);
});

test('a Python that is not what its base says compiles nothing, and the build says so', async () => {
  const { status, errors } = await mir(
    ['build', ...wheels, '-t', 'lie', '--base', `oci:${address}/bases/debian:liar`],
    {
      home,
    },
  );
  assert.equal(status, 1);
  assert.match(errors, /could not compile bytecode in the sandbox: it is Python 3\.11, not 3\.12.*--no-bytecode/s);
});

test('a Python that does not start fails the build with its own words', async () => {
  const words = ['build', ...wheels, '-t', 'broken', '--base', `oci:${address}/bases/debian:broken`];
  const { status, errors } = await mir(words, { home });
  assert.equal(status, 1);
  assert.match(errors, /it ended with 7 no compiler here/);
});

test('a machine without a sandbox builds such an image without bytecode, and says why', async () => {
  const image = await build([...wheels, '-t', 'plain', '--base', `oci:${address}/bases/debian:liar`], {
    home,
    environment: { PATH: await pathWithoutBubblewrap(cleanup) },
  });
  assert.deepEqual(bytecodeOf(image), []);
  assert.match(
    image.problems.map(({ message }) => message).join('\n'),
    /No bytecode is made: no Debian release has Python 3\.12/,
  );
});

async function buildWithoutArchive(where: string, words: readonly string[]): Promise<BuiltImage> {
  const hiding = ['--mount', 'sh', '-euc', 'mount -t tmpfs tmpfs /etc/apt; exec "$@"', 'sh'];
  const environment = { MIR_HOME: where, MIR_DEBIAN_ARCHIVE: undefined, MIR_DEBIAN_SECURITY_ARCHIVE: undefined };
  const { status, output, errors } = await run('unshare', [...hiding, `${root}/mir`, 'build', ...words, '--json'], {
    environment,
  });
  assert.equal(status, 0, errors);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as BuiltImage;
}

/** The modules that an image has bytecode of, each with its magic number, flags and the hash of its source (PEP 552). */
async function modulesOf(where: string, image: BuiltImage): Promise<ReadonlyMap<string, string>> {
  const blobs = await BlobStore.open(join(where, 'registry'));
  const found = new Map<string, string>();
  for (const digest of bytecodeOf(image)) {
    for await (const entry of readLayer(blobs.read(parseDigest(digest)))) {
      if (entry.type !== 'file') continue;
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry.content) chunks.push(chunk);
      found.set(entry.path, Buffer.concat(chunks).toString('hex', 0, 16));
    }
  }
  return found;
}

function bytecodeOf(image: BuiltImage): readonly string[] {
  return image.layers
    .filter(({ annotations }) => annotations?.['org.managed-image-registry.layer.role'] === 'bytecode')
    .map(({ digest }) => digest);
}
