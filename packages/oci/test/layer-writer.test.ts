import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, deflateRawSync, gunzipSync, inflateRawSync } from 'node:zlib';
import type { FileContent, TreeEntry } from '@mir/core';
import fc from 'fast-check';
import { deflateSync } from 'fflate';
import { type ContentPlace, concatenateLayers, LayerWriter, readLayer, type WrittenLayer } from '../src/index.ts';
import { deflate, deflateBound } from '../src/layer/deflate.ts';
import { deflatedBound, deflateFixed } from '../src/layer/fixed-deflate.ts';
import { collect, file, noise, run, temporaryFolder } from './registry-fixture.ts';

const facts = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1_000_000_000 };

async function layerOf(
  entries: readonly TreeEntry[],
): Promise<{ readonly bytes: Buffer; readonly written: WrittenLayer }> {
  const chunks: Uint8Array[] = [];
  const writer = new LayerWriter({ write: (chunk) => void chunks.push(Uint8Array.from(chunk)) });
  for (const entry of entries) await writer.add(entry);
  const written = await writer.finish();
  return { bytes: Buffer.concat(chunks), written };
}

/** Content as it comes out of a wheel: deflated by somebody else, in chunks. */
function deflated(bytes: Uint8Array, chunkBytes = 1000): FileContent {
  const stream = deflateRawSync(bytes, { level: 9 });
  const chunks = [];
  for (let at = 0; at < Math.max(stream.length, bytes.length); at += chunkBytes) {
    chunks.push({ deflated: stream.subarray(at, at + chunkBytes), inflated: bytes.subarray(at, at + chunkBytes) });
  }
  return {
    kind: 'deflated',
    sizeBytes: bytes.length,
    compressedSizeBytes: stream.length,
    crc32: crc32(bytes),
    chunks,
  };
}

const sample: readonly TreeEntry[] = [
  { ...facts, type: 'directory', path: 'opt', mode: 0o755 },
  { ...facts, type: 'directory', path: 'opt/venv', mode: 0o1777 },
  {
    ...facts,
    type: 'file',
    path: 'opt/venv/spliced',
    content: deflated(Buffer.from('spliced content\n'.repeat(20_000))),
  },
  { ...facts, type: 'file', path: 'opt/venv/empty', content: deflated(Buffer.alloc(0)) },
  file('opt/venv/own', 'compressed here\n'.repeat(5_000), 0o4755),
  file('opt/venv/noise', noise(1_500_000)),
  {
    ...facts,
    type: 'file',
    path: 'opt/venv/stream',
    content: { kind: 'stream', sizeBytes: 1_300_000, chunks: [noise(700_000, 2), noise(600_000, 3)] },
  },
  {
    ...facts,
    type: 'file',
    path: `opt/${'long-directory-name/'.repeat(12)}${'f'.repeat(120)}`,
    content: deflated(Buffer.from('long')),
  },
  { ...facts, type: 'file', path: 'opt/Grüße/文件', content: { kind: 'bytes', bytes: Buffer.from('names') } },
  { ...facts, type: 'symlink', path: 'opt/link', target: '../opt/venv/own', mode: 0o777 },
  { ...facts, type: 'symlink', path: 'opt/long-link', target: `/${'t'.repeat(150)}`, mode: 0o777 },
  { ...facts, type: 'hardlink', path: 'opt/hard', target: 'opt/venv/own' },
];

test('GNU tar and gzip find in a layer what was put in', async (t) => {
  const folder = await temporaryFolder(t);
  const { bytes } = await layerOf(sample);
  await writeFile(join(folder, 'layer.tar.gz'), bytes);
  assert.equal((await run('gzip', ['-t', join(folder, 'layer.tar.gz')])).code, 0);
  await mkdir(join(folder, 'root'));
  const extracted = await run('tar', ['-xzpf', '../layer.tar.gz', '--no-same-owner'], { cwd: join(folder, 'root') });
  assert.equal(extracted.code, 0, extracted.errors);
  assert.equal(extracted.errors, '');
  const at = (path: string): string => join(folder, 'root', path);
  assert.equal(await readFile(at('opt/venv/spliced'), 'utf8'), 'spliced content\n'.repeat(20_000));
  assert.equal((await stat(at('opt/venv/empty'))).size, 0);
  assert.deepEqual(await readFile(at('opt/venv/noise')), noise(1_500_000));
  assert.deepEqual(await readFile(at('opt/venv/stream')), Buffer.concat([noise(700_000, 2), noise(600_000, 3)]));
  assert.equal(await readFile(at(`opt/${'long-directory-name/'.repeat(12)}${'f'.repeat(120)}`), 'utf8'), 'long');
  assert.deepEqual(await readdir(at('opt/Grüße')), ['文件']);
  assert.equal(await readlink(at('opt/link')), '../opt/venv/own');
  assert.equal(await readlink(at('opt/long-link')), `/${'t'.repeat(150)}`);
  assert.equal((await stat(at('opt/hard'))).ino, (await stat(at('opt/venv/own'))).ino);
  assert.equal((await stat(at('opt/venv/own'))).mode & 0o7777, 0o4755);
  assert.equal((await stat(at('opt/venv'))).mode & 0o7777, 0o1777);
  assert.equal((await stat(at('opt/venv/spliced'))).mtimeMs, 1_000_000_000_000);
});

test('digest, diffID and sizes are those of the bytes that were written', async () => {
  const { bytes, written } = await layerOf(sample);
  const inflated = gunzipSync(bytes);
  const sum = (content: Uint8Array): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;
  assert.deepEqual(written, {
    digest: sum(bytes),
    diffId: sum(inflated),
    sizeBytes: bytes.length,
    uncompressedSizeBytes: inflated.length,
  });
});

test('the bytes of a layer never change', async () => {
  // A layer written today must have the digest that it had when the format was fixed: on any host, with any Node.
  const { written } = await layerOf([
    { ...facts, type: 'directory', path: 'a', mode: 0o755 },
    file('a/text', 'the quick brown fox jumps over the lazy dog\n'.repeat(300)),
    file('a/noise', noise(70_000)),
    {
      ...facts,
      type: 'file',
      path: 'a/pax',
      content: { kind: 'bytes', bytes: Buffer.from('x') },
      xattrs: { 'user.b': Buffer.from('2'), 'user.a': Buffer.from([0, 255]) },
    },
  ]);
  assert.equal(written.digest, 'sha256:f6f5a208008fb9415d084c8010de5148b34aa96edc5d33cbc71d3489de63d17d');
  assert.equal(written.diffId, 'sha256:729099faf17e6ff082230b431eb36d6e48b0e64c5d32b170b740d9bd6ea34a38');
});

test('a file can be read back from its place in the compressed layer alone', async () => {
  const chunks: Uint8Array[] = [];
  const writer = new LayerWriter({ write: (chunk) => void chunks.push(Uint8Array.from(chunk)) });
  const places: { readonly entry: TreeEntry; readonly place: ContentPlace }[] = [];
  for (const entry of sample) places.push({ entry, place: await writer.add(entry) });
  await writer.finish();
  const bytes = Buffer.concat(chunks);
  const read = (path: string): Buffer => {
    const found = places.find(({ entry }) => entry.path === path)?.place;
    assert.ok(found);
    return gunzipSync(bytes.subarray(found.offsetBytes, found.offsetBytes + found.compressedSizeBytes));
  };
  assert.equal(read('opt/venv/spliced').toString(), 'spliced content\n'.repeat(20_000));
  assert.deepEqual(read('opt/venv/noise'), noise(1_500_000));
});

test('the deflate bytes of a wheel are in the layer as they were', async () => {
  const content = Buffer.from('left as it is '.repeat(10_000));
  const { bytes } = await layerOf([{ ...facts, type: 'file', path: 'x', content: deflated(content) }]);
  assert.ok(bytes.includes(deflateRawSync(content, { level: 9 })));
});

test('how a stream is cut into chunks does not change the layer', async () => {
  const content = Buffer.concat([noise(1_200_000), Buffer.alloc(900_000, 'abc')]);
  const cut = (sizeBytes: number): Uint8Array[] =>
    Array.from({ length: Math.ceil(content.length / sizeBytes) }, (_, at) =>
      content.subarray(at * sizeBytes, (at + 1) * sizeBytes),
    );
  const digests = new Set<string>();
  for (const chunks of [[content], cut(999), cut(65_536)]) {
    digests.add(
      (
        await layerOf([
          { ...facts, type: 'file', path: 'x', content: { kind: 'stream', sizeBytes: content.length, chunks } },
        ])
      ).written.digest,
    );
  }
  digests.add(
    (await layerOf([{ ...facts, type: 'file', path: 'x', content: { kind: 'bytes', bytes: content } }])).written.digest,
  );
  assert.equal(digests.size, 1);
});

for (const [what, content] of [
  ['a stream that is too short', { kind: 'stream', sizeBytes: 10, chunks: [Buffer.from('short')] }],
  ['a stream that is too long', { kind: 'stream', sizeBytes: 2, chunks: [Buffer.from('long')] }],
  ['deflated content that is too short', { ...deflated(Buffer.from('abc')), sizeBytes: 4 } as FileContent],
  ['deflated content that is too long', { ...deflated(Buffer.from('abcde')), sizeBytes: 4 } as FileContent],
  ['deflated content that should be empty', { ...deflated(Buffer.from('abcde')), sizeBytes: 0 } as FileContent],
] as const satisfies readonly (readonly [string, FileContent])[]) {
  test(`${what} is refused by name, and the layer is unusable from then on`, async () => {
    const writer = new LayerWriter({ write: () => {} });
    await assert.rejects(writer.add({ ...facts, type: 'file', path: 'the/culprit', content }), {
      code: 'layer/size-mismatch',
      subject: 'the/culprit',
    });
    await assert.rejects(writer.add(file('next', 'x')), { code: 'layer/unusable' });
    await assert.rejects(writer.finish(), { code: 'layer/unusable' });
  });
}

for (const path of ['/absolute', '../up', 'a/../b', 'a//b', './a', 'a/', '', 'zero\0byte']) {
  test(`the path ${JSON.stringify(path)} is refused`, async () => {
    await assert.rejects(new LayerWriter({ write: () => {} }).add(file(path, 'x')), { code: 'layer/path' });
  });
}

test('the writer waits for its sink', async () => {
  let waiting = 0;
  let most = 0;
  const sink = {
    write: async (): Promise<void> => {
      most = Math.max(most, ++waiting);
      await new Promise((resolve) => setImmediate(resolve));
      waiting--;
    },
  };
  const writer = new LayerWriter(sink);
  for (let at = 0; at < 20; at++) await writer.add(file(`f${at}`, noise(400_000, at)));
  await writer.finish();
  assert.equal(most, 1);
});

async function joinedOf(
  layers: readonly { readonly bytes: Buffer }[],
): Promise<{ readonly bytes: Buffer; readonly written: WrittenLayer }> {
  const chunks: Uint8Array[] = [];
  const source = async function* (bytes: Uint8Array): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 17_001) yield bytes.subarray(at, at + 17_001);
  };
  const written = await concatenateLayers(
    layers.map(({ bytes }) => source(bytes)),
    { write: (chunk) => void chunks.push(Uint8Array.from(chunk)) },
  );
  return { bytes: Buffer.concat(chunks), written };
}

test('layers joined are byte for byte the layer that holds the entries of all', async () => {
  const more = [file('second/file', 'two'), file('third', noise(9_000_000))];
  const joined = await joinedOf([await layerOf(sample), await layerOf([]), await layerOf(more)]);
  const whole = await layerOf([...sample, ...more]);
  assert.deepEqual(joined.written, whole.written);
  assert.ok(joined.bytes.equals(whole.bytes));
});

test('a path stands in a joined layer once, as the first layer that has it says', async () => {
  const long = `site-packages/${'very-long-name/'.repeat(12)}file`;
  const [first, second] = [
    await layerOf([
      { ...facts, type: 'directory', path: 'etc', mode: 0o700 },
      file('etc/passwd', 'first'),
      file(long, 'first'),
    ]),
    await layerOf([
      { ...facts, type: 'directory', path: 'etc', mode: 0o755 },
      file('etc/passwd', 'second, longer than a block '.repeat(200_000)),
      { ...facts, type: 'file', path: long, content: deflated(noise(6_000_000)) },
      file('etc/other', 'second'),
    ]),
  ];
  const { bytes } = await joinedOf([first, second]);
  const found: string[] = [];
  for await (const entry of readLayer(collectedOnce(bytes))) {
    const content =
      entry.type === 'file' ? Buffer.from(await collect(entry.content)).toString() : entry.mode.toString(8);
    found.push(`${entry.path}: ${content}`);
  }
  assert.deepEqual(found, ['etc: 700', 'etc/passwd: first', `${long}: first`, 'etc/other: second']);
});

async function* collectedOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test('a layer of other make cannot be joined', async () => {
  const foreign = (await run('tar', ['-czf', '-', '-C', import.meta.dirname, 'conformance'])).bytes;
  const source = async function* (): AsyncIterable<Uint8Array> {
    yield foreign;
  };
  await assert.rejects(concatenateLayers([source()], { write: () => {} }), { code: 'layer/foreign' });
  const { bytes } = await layerOf(sample);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
  const damaged = async function* (): AsyncIterable<Uint8Array> {
    yield bytes;
  };
  await assert.rejects(concatenateLayers([damaged()], { write: () => {} }), { code: 'layer/damaged' });
});

test('the small encoder makes deflate of anything', () => {
  const runs = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 700 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(
      fc.oneof(
        runs.map((parts) => Buffer.concat(parts.map(([value, length]) => Buffer.alloc(length, value)))),
        fc.uint8Array({ maxLength: 3000 }),
      ),
      (content) => {
        const output = new Uint8Array(deflatedBound(content.length));
        const end = deflateFixed(content, output, 0);
        assert.ok(end <= content.length + 5 + 16);
        assert.deepEqual(inflateRawSync(output.subarray(0, end)), Buffer.from(content));
      },
    ),
    { numRuns: 300 },
  );
});

test('any tree that is written is read back the same', async () => {
  const name = fc
    .string({ unit: fc.constantFrom('a', 'B', '0', '-', '.', 'é', '漢', ' '), minLength: 1, maxLength: 60 })
    .filter((text) => text !== '.' && text !== '..' && !text.startsWith('.wh.'));
  const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
  const common = {
    path,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 2 ** 31 }),
    gid: fc.constantFrom(0, 5, 2 ** 22),
    mtimeSeconds: fc.integer({ min: -100, max: 2 ** 40 }),
  };
  const plain = { noNullPrototype: true };
  const entry: fc.Arbitrary<TreeEntry> = fc.oneof(
    fc.record({ ...common, type: fc.constant('directory' as const) }, plain),
    fc.record({ ...common, type: fc.constant('symlink' as const), target: path }, plain),
    fc.record({ ...common, type: fc.constant('hardlink' as const), target: path }, plain),
    fc.record(
      {
        ...common,
        type: fc.constant('file' as const),
        content: fc.uint8Array({ maxLength: 2000 }).map((bytes) => ({ kind: 'bytes' as const, bytes })),
      },
      plain,
    ),
    fc.record(
      {
        ...common,
        type: fc.constant('file' as const),
        content: fc.uint8Array({ maxLength: 2000 }).map((bytes) => deflated(bytes, 77)),
      },
      plain,
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 12 }), async (entries) => {
      const { bytes } = await layerOf(entries);
      const found = [];
      const source = async function* (): AsyncIterable<Uint8Array> {
        for (let at = 0; at < bytes.length; at += 333) yield bytes.subarray(at, at + 333);
      };
      for await (const read of readLayer(source())) {
        found.push(
          read.type === 'file' ? { ...read, content: await collect(read.content), sizeBytes: undefined } : read,
        );
      }
      const expected = entries.map((one) =>
        one.type === 'file'
          ? {
              ...one,
              content:
                one.content.kind === 'bytes'
                  ? Buffer.from(one.content.bytes)
                  : Buffer.concat(
                      [...(one.content.chunks as Iterable<{ inflated: Uint8Array }>)].map(({ inflated }) => inflated),
                    ),
              sizeBytes: undefined,
            }
          : one,
      );
      assert.deepEqual(found, expected);
    }),
    { numRuns: 150 },
  );
});

test('memory stays small whatever the size of a file', async (t) => {
  const program = join(import.meta.dirname, 'large-layer-process.ts');
  const { output, errors } = await run(process.execPath, [program, await temporaryFolder(t)]);
  assert.ok(Number(output) > 0 && Number(output) < 250, `${output} MB ${errors}`);
});

/** Text, noise, long runs, and what repeats from far and near: each takes other paths through the encoder. */
function contentOf(seed: number, sizeBytes: number): Buffer {
  const content = noise(sizeBytes, seed);
  const kind = seed % 4;
  for (let at = 0; at < sizeBytes; at++) {
    const byte = content[at] ?? 0;
    if (kind === 1) content[at] = Math.floor(-Math.log((byte + 1) / 257) * (2 + (seed % 60)));
    if (kind === 2) content[at] = content[at - 1 - ((byte * 131) % Math.min(at, 30_000))] ?? byte;
    if (kind === 3 && byte > 9) content[at] = content[at - 1 - (seed % 7)] ?? byte;
  }
  return content;
}

test('contents are compressed to the very bytes that fflate makes of them', () => {
  const sizes = [0, 1, 2, 3, 30, 400, 4_000, 33_000, 70_000, 250_000];
  for (let seed = 0; seed < 60; seed++) {
    const sizeBytes = (sizes[seed % sizes.length] ?? 0) + (seed > 9 ? seed : 0);
    const content = contentOf(seed + Math.floor(seed / 10), sizeBytes);
    const output = Buffer.alloc(deflateBound(sizeBytes), 0xff);
    const made = output.subarray(0, deflate(content, output, 0));
    assert.ok(made.equals(deflateSync(content, { level: 2 })), `seed ${seed}, ${sizeBytes} bytes`);
    assert.ok(inflateRawSync(made).equals(content));
  }
});
