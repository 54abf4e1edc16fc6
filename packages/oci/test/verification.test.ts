import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cleanupOf } from '../../../test/support/cleanup.ts';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { hexOf } from '../src/digest.ts';
import { BlobStore, type Digest, Image, ImageSet, mediaTypes, RepositoryStore, verifyContent } from '../src/index.ts';

/** A store with `team/both:1`, an index of two images, and `team/one:1`, an image. */
async function filledStore(t: TestContext) {
  const folder = await temporaryFolder(cleanupOf(t));
  const store = await RepositoryStore.open(await BlobStore.open(folder));
  const { digest, sizeBytes: size } = await store.blobs.put(Buffer.from('a layer'));
  const images = (['amd64', 'arm64'] as const).map((architecture) =>
    Image.create({
      config: { architecture, os: 'linux' },
      layers: [{ descriptor: { mediaType: mediaTypes.ociLayer, digest, size }, diffId: digest }],
    }),
  );
  for (const { configBytes, manifestBytes, mediaType } of images) {
    await store.blobs.put(configBytes);
    await store.putManifest('team/both', manifestBytes, mediaType);
  }
  const index = ImageSet.create(images);
  await store.putManifest('team/both', index.indexBytes, mediaTypes.ociIndex, { tags: ['1'] });
  const [one] = images as [Image, Image];
  await store.putManifest('team/one', one.manifestBytes, one.mediaType, { tags: ['1'] });
  return { folder, store, layer: digest, index, one };
}

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(3) ^ 1, 3);
  await writeFile(path, bytes);
}

test('an index is broken with each of its images, and stays so after the repair', async (t) => {
  const { store, index, one } = await filledStore(t);
  const arm = index.images[1]?.digest as Digest;
  await flip(store.blobs.path(arm));
  for (const repair of [true, false]) {
    const { brokenImages } = await verifyContent(store, { repair });
    const tagged = brokenImages.find(({ tags }) => tags.length > 0);
    assert.deepEqual(tagged, { repository: 'team/both', digest: index.digest, tags: ['1'], lacks: [arm] });
  }
  assert.equal(await store.resolve('team/one', '1'), one.digest);
});

test('a damaged tag or media type is found, and hides nothing else', async (t) => {
  const { folder, store, layer, index, one } = await filledStore(t);
  await writeFile(join(folder, 'repositories/team/one/_tags/1'), 'nonsense');
  await writeFile(join(folder, 'repositories/team/one/_manifests', hexOf(one.digest)), 'image/png');
  await flip(store.blobs.path(layer));
  const found = await verifyContent(store, { repair: true });
  assert.deepEqual(found.brokenTags, [{ repository: 'team/one', tag: '1' }]);
  assert.deepEqual(
    found.brokenImages.map(({ digest, lacks }) => [digest, lacks]).sort(),
    [
      [index.digest, [layer]],
      ...index.images.map(({ digest }) => [digest, [layer]]),
      [one.digest, [one.digest]],
    ].sort(),
  );
  assert.deepEqual(await readdir(join(folder, 'damaged')), [hexOf(layer)]);
  assert.deepEqual(await store.tags('team/one'), []);
  assert.deepEqual(await store.manifests('team/one'), []);
});

test('what was made anew while the rest was read is not set aside', async (t) => {
  const { folder, store } = await filledStore(t);
  const listed: { readonly digest: Digest }[] = [];
  for await (const blob of store.blobs.list()) listed.push(blob);
  const path = store.blobs.path(listed[0]?.digest as Digest);
  const whole = await readFile(path);
  await flip(path);
  const found = await verifyContent(store, {
    repair: true,
    // The second one is looked at when the first has been read.
    onBlob: ({ digest }) => digest === listed[1]?.digest && writeFileSync(path, whole),
  });
  assert.deepEqual(
    found.damaged.map(({ digest }) => digest),
    [listed[0]?.digest],
  );
  assert.equal(existsSync(join(folder, 'damaged')), false);
});
