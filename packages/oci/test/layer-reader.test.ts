import assert from 'node:assert/strict';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { TreeEntry } from '@mir/core';
import fc from 'fast-check';
import { BlobStore, type LayerEntry, LayeredTree, type LayerReadLimits, LayerWriter, readLayer } from '../src/index.ts';
import { blockBytes, encodeTarHeader } from '../src/layer/tar-header.ts';
import { collect, file, noise, run, storeLayer, temporaryFolder } from './registry-fixture.ts';

async function* inChunks(bytes: Uint8Array, sizeBytes = 1000): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

async function read(bytes: Uint8Array, limits?: LayerReadLimits, chunkBytes?: number) {
  const entries: (Omit<LayerEntry, 'content'> & { readonly text?: string })[] = [];
  for await (const entry of readLayer(inChunks(bytes, chunkBytes), limits)) {
    if (entry.type === 'file') {
      const { content, ...facts } = entry;
      entries.push({ ...facts, text: (await collect(content)).toString() });
    } else entries.push(entry);
  }
  return entries;
}

/** A tar archive with whatever headers, as no honest tool writes it. */
function archive(
  ...members: readonly {
    readonly path: string;
    readonly typeFlag?: string;
    readonly text?: string;
    readonly target?: string;
  }[]
): Buffer {
  const blocks: Uint8Array[] = [];
  for (const { path, typeFlag = '0', text = '', target } of members) {
    const header = Buffer.from(
      encodeTarHeader({
        path,
        typeFlag: '0',
        mode: 0o644,
        uid: 0,
        gid: 0,
        sizeBytes: text.length,
        mtimeSeconds: 0,
        ...(target === undefined ? {} : { linkTarget: target }),
      }),
    );
    header.write(typeFlag, header.length - blockBytes + 156, 'latin1');
    blocks.push(resealed(header), Buffer.from(text.padEnd(Math.ceil(text.length / blockBytes) * blockBytes, '\0')));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function resealed(header: Buffer): Buffer {
  const block = header.subarray(header.length - blockBytes);
  block.write('        ', 148, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

for (const format of ['ustar', 'gnu', 'pax', 'oldgnu', 'v7']) {
  test(`what GNU tar writes as ${format} is read`, async (t) => {
    const folder = await temporaryFolder(t);
    const long = format === 'v7' ? 'short' : `${'directory/'.repeat(9)}${'n'.repeat(80)}`;
    await mkdir(join(folder, 'directory/'.repeat(9)), { recursive: true });
    await writeFile(join(folder, long), 'content');
    await writeFile(join(folder, 'big'), noise(300_000));
    await link(join(folder, 'big'), join(folder, 'hard'));
    await symlink('../x', join(folder, 'soft'));
    const made = await run(
      'tar',
      [`--format=${format}`, '--sort=name', '--mtime=@1234567', '--owner=7', '--group=8', '-cf', '-', '.'],
      { cwd: folder },
    );
    assert.equal(made.code, 0, made.errors);
    const entries = await read(made.bytes);
    const find = (path: string) => entries.find((entry) => entry.path === path);
    assert.equal(find(long)?.text, 'content');
    assert.deepEqual(
      { uid: find('big')?.uid, gid: find('big')?.gid, mtimeSeconds: find('big')?.mtimeSeconds },
      { uid: 7, gid: 8, mtimeSeconds: 1_234_567 },
    );
    assert.equal(find('directory')?.type, 'directory');
    assert.deepEqual([find('hard')?.type, find('big')?.type], ['hardlink', 'file']);
    assert.equal(find('soft')?.type, 'symlink');
    assert.equal(find(''), undefined);
  });
}

test('layers are read however they are compressed and cut', async () => {
  const tar = archive({ path: 'a', text: 'one' }, { path: 'b', text: 'two'.repeat(5000) });
  const expected = await read(tar);
  assert.deepEqual(
    expected.map(({ path, text }) => [path, text]),
    [
      ['a', 'one'],
      ['b', 'two'.repeat(5000)],
    ],
  );
  const halves = [tar.subarray(0, 700), tar.subarray(700)];
  const variants = {
    gzip: gzipSync(tar),
    members: Buffer.concat(halves.map((half) => gzipSync(half))),
    zstd: zstdCompressSync(tar),
    frames: Buffer.concat(halves.map((half) => zstdCompressSync(half))),
  };
  for (const [name, bytes] of Object.entries(variants)) {
    for (const chunkBytes of [1, 1000, 1_000_000])
      assert.deepEqual(await read(bytes, {}, chunkBytes), expected, `${name} in chunks of ${chunkBytes}`);
  }
});

test('contents that nobody reads are skipped', async () => {
  const tar = archive({ path: 'a', text: 'x'.repeat(10_000) }, { path: 'b', text: 'y' });
  const paths: string[] = [];
  for await (const entry of readLayer(inChunks(gzipSync(tar)))) paths.push(entry.path);
  assert.deepEqual(paths, ['a', 'b']);
});

for (const [what, bytes, code] of [
  ['a path that leads out', archive({ path: '../../etc/passwd', text: 'x' }), 'layer/path'],
  ['a path that leads out in the middle', archive({ path: 'a/../../b', text: 'x' }), 'layer/path'],
  ['a hard link that leads out', archive({ path: 'a', typeFlag: '1', target: '../../etc/passwd' }), 'layer/path'],
  ['a whiteout of the folder above', archive({ path: 'a/.wh...', text: '' }), 'layer/path'],
  [
    'an archive that ends within a file',
    archive({ path: 'a', text: 'x'.repeat(2000) }).subarray(0, 1000),
    'layer/damaged',
  ],
  ['an archive that ends within a header', archive({ path: 'a', text: 'x' }).subarray(0, 300), 'layer/damaged'],
  ['gzip that is cut short', gzipSync(archive({ path: 'a', text: 'x'.repeat(2000) })).subarray(0, 60), 'layer/damaged'],
  [
    'zstd that is cut short',
    zstdCompressSync(archive({ path: 'a', text: 'x'.repeat(2000) })).subarray(0, 40),
    'layer/damaged',
  ],
  ['something else', noise(5000), 'layer/damaged'],
  ['an unknown type of entry', archive({ path: 'a', typeFlag: 'Z' }), 'layer/damaged'],
] as const) {
  test(`${what} is refused`, async () => {
    await assert.rejects(read(bytes), { code });
  });
}

test('a bomb is stopped long before it is inflated', async () => {
  const bomb = gzipSync(archive({ path: 'a', text: '0'.repeat(50_000_000) }));
  assert.ok(bomb.length < 100_000);
  await assert.rejects(read(bomb, { uncompressedBytes: 1_000_000 }), { code: 'layer/too-large' });
  await assert.rejects(read(bomb, { fileBytes: 1_000_000 }), { code: 'layer/too-large' });
  await assert.rejects(read(archive({ path: 'a' }, { path: 'b' }, { path: 'c' }), { entries: 2 }), {
    code: 'layer/too-large',
  });
});

test('nothing makes the reader fail otherwise than with a fault', async () => {
  const honest = archive(
    { path: 'a/b', text: 'content' },
    { path: 'n'.repeat(200), text: 'x' },
    { path: 'link', typeFlag: '2', target: 'a' },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      fc.boolean(),
      async (changes, seal, compress) => {
        const changed = Buffer.from(honest);
        for (const [at, value] of changes) changed[at] = value;
        if (seal) resealed(changed.subarray(0, blockBytes));
        try {
          await read(compress ? gzipSync(changed) : changed, { uncompressedBytes: 1_000_000 });
        } catch (thrown) {
          assert.equal((thrown as Error).name, 'Fault', String(thrown));
        }
      },
    ),
    { numRuns: 500 },
  );
});

const facts = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 1 };
const directory = (path: string): TreeEntry => ({ ...facts, type: 'directory', path });
const soft = (path: string, target: string): TreeEntry => ({ ...facts, type: 'symlink', path, target });
const hard = (path: string, target: string): TreeEntry => ({ ...facts, type: 'hardlink', path, target });

async function stack(
  layers: readonly (readonly TreeEntry[])[],
  wanted: (path: string) => boolean = () => true,
): Promise<LayeredTree> {
  const opened: (() => AsyncIterable<Uint8Array>)[] = [];
  for (const entries of layers) {
    const chunks: Uint8Array[] = [];
    const writer = new LayerWriter({ write: (chunk) => void chunks.push(Uint8Array.from(chunk)) });
    for (const entry of entries) await writer.add(entry);
    await writer.finish();
    opened.push(() => inChunks(Buffer.concat(chunks)));
  }
  return await LayeredTree.read(opened, { wanted, limitBytes: 1000 });
}

const paths = (tree: LayeredTree): readonly string[] => [...tree.entries()].map(({ path }) => path);
const text = (tree: LayeredTree, path: string): string | undefined => {
  const bytes = tree.get(path)?.bytes;
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};

test('upper layers replace, hide and add', async () => {
  const tree = await stack([
    [
      directory('etc'),
      file('etc/kept', '1'),
      file('etc/replaced', 'old'),
      file('etc/hidden', '1'),
      directory('opaque'),
      file('opaque/below', '1'),
      directory('gone'),
      file('gone/deep', '1'),
      file('becomes', 'file'),
    ],
    [
      file('etc/replaced', 'new'),
      file('etc/.wh.hidden', ''),
      file('opaque/above', '2'),
      file('opaque/.wh..wh..opq', ''),
      file('.wh.gone', ''),
      directory('becomes'),
      file('becomes/folder', '2'),
    ],
  ]);
  assert.deepEqual(paths(tree), [
    'becomes',
    'becomes/folder',
    'etc',
    'etc/kept',
    'etc/replaced',
    'opaque',
    'opaque/above',
  ]);
  assert.equal(text(tree, 'etc/replaced'), 'new');
});

test('a whiteout hides what is below it only, whatever the order in its own layer', async () => {
  const tree = await stack([[file('a', 'old')], [file('a', 'new'), file('.wh.a', '')]]);
  assert.equal(text(tree, 'a'), 'new');
});

test('symbolic links are followed, and never out of the root', async () => {
  const tree = await stack([
    [
      directory('usr'),
      directory('usr/bin'),
      soft('bin', 'usr/bin'),
      file('usr/bin/python3.11', 'elf'),
      soft('usr/bin/python3', 'python3.11'),
      soft('usr/bin/python', '/usr/bin/python3'),
    ],
    [file('bin/added', 'through the link'), soft('up', '../../../../usr'), soft('circle', 'circle')],
  ]);
  assert.equal(tree.get('/bin/python')?.path, 'usr/bin/python3.11');
  assert.equal(tree.get('bin/python', { follow: false })?.target, '/usr/bin/python3');
  assert.equal(text(tree, 'usr/bin/added'), 'through the link');
  assert.equal(tree.get('up/bin/../bin/python')?.path, 'usr/bin/python3.11');
  assert.equal(tree.get('circle'), undefined);
  assert.equal(tree.get('nothing/here'), undefined);
  assert.deepEqual(tree.list('/bin'), ['added', 'python', 'python3', 'python3.11']);
});

test('contents are kept of what is wanted and small, hard links included', async () => {
  const tree = await stack(
    [
      [
        file('unwanted', 'content'),
        hard('wanted/link', 'unwanted'),
        file('wanted/large', noise(2000)),
        file('other', 'x'),
      ],
    ],
    (path) => path.startsWith('wanted/'),
  );
  assert.equal(text(tree, 'wanted/link'), 'content');
  assert.deepEqual([tree.get('wanted/large')?.bytes, tree.get('wanted/large')?.sizeBytes], [undefined, 2000]);
  assert.equal(text(tree, 'other'), undefined);
});

test('a layer in a blob store is read as it was written', async (t) => {
  const blobs = await BlobStore.open(await temporaryFolder(t));
  const layer = await storeLayer(blobs, [directory('a'), file('a/b', 'c')]);
  const tree = await LayeredTree.read([() => blobs.read(layer.descriptor.digest)], { wanted: () => true });
  assert.equal(text(tree, 'a/b'), 'c');
});
