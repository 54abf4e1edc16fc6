import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BlobStore, collectGarbage, digestOf, type Image, mediaTypes, RepositoryStore } from '../src/index.ts';
import { collect, noise, run, storeImage, temporaryFolder } from './registry-fixture.ts';

const writerProcess = join(import.meta.dirname, 'blob-writer-process.ts');
const noBlob = digestOf(Buffer.from('never stored'));

async function open(t: TestContext) {
  const directory = join(await temporaryFolder(t), 'store');
  const blobs = await BlobStore.open(directory);
  return { directory, blobs, repositories: await RepositoryStore.open(blobs) };
}

async function visible(directory: string): Promise<readonly string[]> {
  return await readdir(join(directory, 'blobs', 'sha256')).catch(() => []);
}

test('a blob is there when it is committed, and not before', async (t) => {
  const { directory, blobs } = await open(t);
  const content = noise(700_000);
  const writer = await blobs.write();
  await writer.write(content);
  assert.deepEqual(await visible(directory), []);
  const { digest, sizeBytes } = await writer.commit({ digest: digestOf(content), sizeBytes: content.length });
  assert.equal(sizeBytes, content.length);
  assert.equal(await blobs.size(digest), content.length);
  assert.deepEqual(await collect(blobs.read(digest)), content);
  assert.deepEqual(
    await collect(blobs.read(digest, { start: 300_000, length: 10 })),
    content.subarray(300_000, 300_010),
  );
  assert.deepEqual(await readFile(blobs.path(digest)), content);
  assert.deepEqual(await readdir(join(directory, 'tmp')), []);
});

test('a blob is passed on in one room, and a damaged one is not passed on to its end', async (t) => {
  const { blobs } = await open(t);
  const content = noise(700_000);
  const { digest } = await blobs.put(content);
  const passed: Buffer[] = [];
  const rooms = new Set<ArrayBufferLike>();
  for await (const chunk of blobs.pass(digest)) {
    passed.push(Buffer.from(chunk));
    rooms.add(chunk.buffer);
  }
  assert.deepEqual(Buffer.concat(passed), content);
  assert.equal(rooms.size, 1);
  await writeFile(blobs.path(digest), content.with(600_000, (content[600_000] ?? 0) ^ 1));
  await assert.rejects(collect(blobs.pass(digest)), { code: 'blob/damaged' });
  assert.equal(await blobs.has(digest), false);
});

test('a blob that is not what was expected leaves nothing', async (t) => {
  const { directory, blobs } = await open(t);
  const lying = await blobs.write();
  await lying.write(Buffer.from('content'));
  await assert.rejects(lying.commit({ digest: noBlob }), { code: 'blob/digest-mismatch' });
  const short = await blobs.write();
  await short.write(Buffer.from('content'));
  await assert.rejects(short.commit({ sizeBytes: 8 }), { code: 'blob/size-mismatch' });
  {
    await using left = await blobs.write();
    await left.write(Buffer.from('given up'));
  }
  assert.deepEqual(await visible(directory), []);
  assert.deepEqual(await readdir(join(directory, 'tmp')), []);
});

test('what is not there, too large or out of range is said so', async (t) => {
  const { blobs } = await open(t);
  const { digest } = await blobs.put(Buffer.from('0123456789'));
  await assert.rejects(collect(blobs.read(noBlob)), { code: 'blob/unknown', subject: noBlob });
  await assert.rejects(blobs.bytes(noBlob, 100), { code: 'blob/unknown' });
  await assert.rejects(blobs.bytes(digest, 9), { code: 'blob/too-large' });
  await assert.rejects(collect(blobs.read(digest, { start: 5, length: 6 })), { code: 'blob/range' });
  assert.equal(await blobs.size(noBlob), undefined);
  assert.equal(await blobs.touch(noBlob), false);
});

test('a writer that is killed leaves nothing visible, and its remains are swept', async (t) => {
  const { directory, blobs, repositories } = await open(t);
  const child = spawn(process.execPath, [writerProcess, directory, 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const [unfinished = ''] = await readdir(join(directory, 'tmp'));
  const long = new Date(Date.now() - 7_200_000);
  await utimes(join(directory, 'tmp', unfinished), long, long);
  assert.equal((await collectGarbage(repositories)).unfinishedFiles, 0, 'its writer lives');
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.deepEqual(await visible(directory), []);
  assert.equal((await collectGarbage(repositories, { dryRun: true })).unfinishedFiles, 1);
  assert.equal((await collectGarbage(repositories)).unfinishedFiles, 1);
  assert.deepEqual(await readdir(join(directory, 'tmp')), []);
  await blobs.put(Buffer.from('the next one works'));
});

test('processes that write the same blob at once all succeed, and one blob is there', async (t) => {
  const { directory, blobs } = await open(t);
  const outcomes = await Promise.all([1, 2, 3].map(() => run(process.execPath, [writerProcess, directory])));
  const expected = digestOf(noise(3_000_000));
  assert.deepEqual(
    outcomes.map(({ output }) => output),
    [expected, expected, expected],
  );
  assert.deepEqual(await visible(directory), [expected.slice(7)]);
  assert.deepEqual(await readdir(join(directory, 'tmp')), []);
  assert.deepEqual(await collect(blobs.read(expected)), noise(3_000_000));
});

async function keep(
  repositories: RepositoryStore,
  repository: string,
  image: Image,
  tags: readonly string[],
): Promise<void> {
  await repositories.blobs.put(image.configBytes);
  await repositories.putManifest(repository, image.manifestBytes, image.mediaType, { tags });
}

async function grow(blobs: BlobStore, minutes: number): Promise<void> {
  const then = new Date(Date.now() - minutes * 60_000);
  for await (const { digest } of blobs.list()) await utimes(blobs.path(digest), then, then);
}

test('garbage collection keeps what manifests reach and what is asked for, and removes the rest', async (t) => {
  const { blobs, repositories } = await open(t);
  const one = await storeImage(blobs, 'one');
  const two = await storeImage(blobs, 'two');
  await keep(repositories, 'team/one', one, ['v1']);
  await keep(repositories, 'two', two, []);
  const loose = await blobs.put(noise(1000));
  const cached = await blobs.put(noise(2000));
  await grow(blobs, 120);
  await repositories.deleteManifest('two', two.digest);

  const wouldBe = await collectGarbage(repositories, { dryRun: true, keep: [cached.digest] });
  assert.ok(await blobs.has(loose.digest), 'a dry run removes nothing');
  const report = await collectGarbage(repositories, { keep: [cached.digest] });
  assert.deepEqual(report, wouldBe);
  assert.equal(report.blobs, 4); // the loose one; of image two its own layer, configuration and manifest
  assert.equal(
    report.bytes,
    1000 + (two.layers[1]?.descriptor.size ?? 0) + two.configBytes.length + two.manifestBytes.length,
  );
  for (const digest of [loose.digest, two.digest, two.manifest.config.digest])
    assert.equal(await blobs.has(digest), false);
  for (const digest of [
    cached.digest,
    one.digest,
    one.manifest.config.digest,
    ...one.layers.map(({ descriptor }) => descriptor.digest),
  ])
    assert.ok(await blobs.has(digest));
  assert.deepEqual((await repositories.getManifest('team/one', 'v1'))?.bytes, Buffer.from(one.manifestBytes));
  assert.deepEqual(
    await repositories.linkedBlobs('two'),
    [two.layers[0]?.descriptor.digest],
    'links to what is gone are gone',
  );
});

test('garbage collection leaves alone what was written or touched just now', async (t) => {
  const { blobs, repositories } = await open(t);
  const old = await blobs.put(noise(100, 1));
  const reused = await blobs.put(noise(100, 2));
  await grow(blobs, 120);
  const fresh = await blobs.put(noise(100, 3));
  await blobs.put(noise(100, 2));
  await collectGarbage(repositories);
  assert.deepEqual(
    [await blobs.has(old.digest), await blobs.has(reused.digest), await blobs.has(fresh.digest)],
    [false, true, true],
  );
  await collectGarbage(repositories, { graceSeconds: -1 });
  assert.equal(await blobs.has(fresh.digest), false);
});

test('a manifest that cannot be read stops garbage collection before anything is removed', async (t) => {
  const { blobs, repositories } = await open(t);
  const image = await storeImage(blobs);
  await keep(repositories, 'one', image, ['v1']);
  const loose = await blobs.put(noise(1000));
  await writeFile(blobs.path(image.digest), '{"schemaVersion":2}');
  await grow(blobs, 120);
  await assert.rejects(collectGarbage(repositories), { code: 'blob/damaged', subject: image.digest });
  await assert.rejects(collectGarbage(repositories), { code: 'blob/unknown', subject: image.digest });
  assert.ok(await blobs.has(loose.digest));
  await keep(repositories, 'one', image, ['v1']);
  assert.equal((await collectGarbage(repositories)).blobs, 1);
});

test('a manifest is refused while something it refers to is missing', async (t) => {
  const { blobs, repositories } = await open(t);
  const image = await storeImage(blobs);
  await assert.rejects(repositories.putManifest('one', image.manifestBytes, image.mediaType, { tags: ['v1'] }), {
    code: 'manifest/missing-content',
    subject: image.manifest.config.digest,
  });
  assert.equal(await repositories.getManifest('one', 'v1'), undefined);
  await blobs.put(image.configBytes);
  await assert.rejects(repositories.putManifest('one', image.manifestBytes, image.mediaType, { content: 'linked' }), {
    code: 'manifest/missing-content',
  });
  await repositories.putManifest('one', image.manifestBytes, image.mediaType, { tags: ['v1'] });
  const wrongSize = {
    ...image.manifest,
    layers: image.manifest.layers.map((layer) => ({ ...layer, size: layer.size + 1 })),
  };
  await assert.rejects(
    repositories.putManifest('one', Buffer.from(JSON.stringify(wrongSize)), mediaTypes.ociManifest),
    { code: 'manifest/malformed' },
  );
});

test('tags, manifests and repositories come and go', async (t) => {
  const { blobs, repositories } = await open(t);
  const image = await storeImage(blobs);
  await keep(repositories, 'team/one', image, ['v2', 'latest', 'V1']);
  await keep(repositories, 'team/one/deeper', image, ['v1']);
  assert.deepEqual(await repositories.repositories(), ['team/one', 'team/one/deeper']);
  assert.deepEqual(await repositories.tags('team/one'), ['V1', 'latest', 'v2']);
  assert.equal(await repositories.deleteTag('team/one', 'v2'), true);
  assert.equal(await repositories.deleteTag('team/one', 'v2'), false);
  assert.ok(await repositories.getManifest('team/one', image.digest));
  assert.equal(await repositories.deleteManifest('team/one', image.digest), true);
  assert.deepEqual(await repositories.tags('team/one'), []);
  assert.equal(await repositories.deleteRepository('team/one'), true);
  assert.deepEqual(await repositories.repositories(), ['team/one/deeper']);
  assert.ok(await repositories.getManifest('team/one/deeper', 'v1'));
  assert.equal(await repositories.deleteRepository('team/one/deeper'), true);
  const left = await readdir(join(blobs.directory, 'repositories/team/one'));
  assert.deepEqual(left, [], 'nothing is left of a repository, not even its folder');
  for (const name of ['../outside', 'Upper', 'a//b', '_tags', 'a/_blobs', ''])
    await assert.rejects(repositories.tags(name), { code: 'repository/malformed-name' });
  for (const tag of ['../../x', '.hidden', '', 'a/b']) {
    await assert.rejects(repositories.putManifest('team/x', image.manifestBytes, image.mediaType, { tags: [tag] }), {
      code: 'repository/malformed-tag',
    });
  }
  assert.ok((await stat(blobs.directory)).isDirectory());
});
