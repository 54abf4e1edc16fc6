import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { isFault } from '@mir/core';
import { HttpClient } from '@mir/http';
import fc from 'fast-check';
import { installWheel, readWheelMetadata, remoteWheel, type WheelSource } from '../src/index.ts';
import { type MadeFile, makeZip, wheelFiles } from './zip-maker.ts';

const filename = 'demo-1.0-py3-none-any.whl';
const site = 'opt/venv/lib/python3.11/site-packages';

test('scripts, launchers, data and headers go where pip puts them', async () => {
  const files = await install(
    makeZip(
      wheelFiles(
        [
          { name: 'demo/', text: '' },
          { name: 'demo/a, b.py', text: 'x = 1\n' },
          { name: 'demo/run.sh', text: '#!/bin/sh\n', unixMode: 0o100755 },
          { name: 'demo-1.0.data/scripts/tool', text: '#!python -E\nprint(1)\n' },
          { name: 'demo-1.0.data/scripts/demo', text: '#!python\nold wrapper\n' },
          { name: 'demo-1.0.data/data/share/x.txt', text: 'x' },
          { name: 'demo-1.0.data/headers/x.h', text: 'h' },
          { name: 'demo-1.0.data/platlib/demo/y.py', text: 'y = 1\n', method: 0 },
        ],
        { 'entry_points.txt': '[console_scripts]\ndemo = demo.cli:main.run [extra]\n' },
      ),
    ),
  );
  assert.equal(files.get('opt/venv/bin/tool')?.text, '#!/opt/venv/bin/python\nprint(1)\n');
  assert.equal(files.get('opt/venv/bin/tool')?.mode, 0o755);
  assert.match(
    files.get('opt/venv/bin/demo')?.text ?? '',
    /^#!\/opt\/venv\/bin\/python\n[\s\S]*from demo\.cli import main\n[\s\S]*sys\.exit\(main\.run\(\)\)\n$/,
  );
  assert.equal(files.get('opt/venv/share/x.txt')?.text, 'x');
  assert.equal(files.get('opt/venv/include/site/python3.11/demo/x.h')?.text, 'h');
  assert.equal(files.get(`${site}/demo/y.py`)?.text, 'y = 1\n');
  assert.equal(files.get(`${site}/demo/run.sh`)?.mode, 0o755);
  assert.equal(files.get(`${site}/demo-1.0.dist-info/INSTALLER`)?.text, 'mir\n');
  const record = files.get(`${site}/demo-1.0.dist-info/RECORD`)?.text ?? '';
  assert.match(record, /^"demo\/a, b\.py",sha256=[\w-]{43},6$/m);
  const tool = createHash('sha256').update('#!/opt/venv/bin/python\nprint(1)\n').digest('base64url');
  assert.match(record, new RegExp(`^\\.\\./\\.\\./\\.\\./bin/tool,sha256=${tool},32$`, 'm'));
});

test('large files pass by in pieces, rewritten scripts among them', async () => {
  const large = Buffer.concat([randomBytes(6 << 20), Buffer.alloc(8 << 20, 'abc')]);
  const script = Buffer.concat([Buffer.from('#!python\n'), large]);
  for (const method of [8, 0]) {
    const files = await install(
      makeZip(
        wheelFiles([
          { name: 'demo/large.bin', text: large, method },
          { name: 'demo-1.0.data/scripts/tool', text: script, method },
          { name: 'demo-1.0.data/scripts/program', text: large, method },
        ]),
      ),
    );
    assert.ok(files.get(`${site}/demo/large.bin`)?.bytes.equals(large));
    assert.ok(files.get('opt/venv/bin/program')?.bytes.equals(large));
    assert.ok(
      files.get('opt/venv/bin/tool')?.bytes.equals(Buffer.concat([Buffer.from('#!/opt/venv/bin/python\n'), large])),
    );
  }
});

test('data descriptors and zip64 are read', async () => {
  const zip = makeZip(
    wheelFiles([{ name: 'demo.py', text: 'x = 1\n' }]).map((file) => ({ ...file, descriptor: true })),
  );
  assert.equal((await install(zip)).get(`${site}/demo.py`)?.text, 'x = 1\n');
  const big = makeZip(wheelFiles([{ name: 'demo.py', text: 'x = 1\n' }]), true);
  assert.equal((await install(big)).get(`${site}/demo.py`)?.text, 'x = 1\n');
});

const text = 'x = 1\n'.repeat(100);
const refused: readonly (readonly [string, string, () => Buffer])[] = [
  ['wheel/unsafe-path', 'a path that leads out', () => madeWith({ name: '../x.py', text })],
  ['wheel/unsafe-path', 'an absolute path', () => madeWith({ name: '/x.py', text })],
  ['wheel/unsafe-path', 'a backslash', () => madeWith({ name: 'a\\x.py', text })],
  ['wheel/unsafe-path', 'a path out of the scripts', () => madeWith({ name: 'demo-1.0.data/scripts/../../x', text })],
  ['wheel/unsafe-path', 'a replaced interpreter', () => madeWith({ name: 'demo-1.0.data/scripts/python3', text })],
  [
    'wheel/unsafe-path',
    'a replaced interpreter by data',
    () => madeWith({ name: 'demo-1.0.data/data/bin/python', text }),
  ],
  [
    'wheel/unsafe-path',
    'a launcher in another folder',
    () => makeZip(wheelFiles([], { 'entry_points.txt': '[console_scripts]\n../x = a:b\n' })),
  ],
  ['wheel/metadata', 'an unknown .data folder', () => madeWith({ name: 'demo-1.0.data/odd/x', text })],
  ['wheel/link', 'a symbolic link', () => madeWith({ name: 'x.py', text, unixMode: 0o120777 })],
  ['wheel/duplicate', 'a RECORD twice', () => madeWith({ name: 'demo-1.0.dist-info/RECORD', text: '' })],
  [
    'wheel/duplicate',
    'a name twice',
    () =>
      makeZip(
        wheelFiles([
          { name: 'x.py', text },
          { name: 'x.py', text: 'y' },
        ]),
      ),
  ],
  [
    'wheel/duplicate',
    'one place from two folders',
    () =>
      makeZip(
        wheelFiles([
          { name: 'x.py', text },
          { name: 'demo-1.0.data/purelib/x.py', text: 'y' },
        ]),
      ),
  ],
  [
    'wheel/duplicate',
    'a file that is a folder too',
    () =>
      makeZip(
        wheelFiles([
          { name: 'x', text },
          { name: 'x/y', text: 'y' },
        ]),
      ),
  ],
  ['wheel/encrypted', 'an encrypted file', () => madeWith({ name: 'x.py', text, flags: 1 })],
  ['wheel/unsupported', 'another method', () => madeWith({ name: 'x.py', text, method: 12 })],
  ['wheel/unsupported', 'wheel format 2', () => makeZip(wheelFiles([], { WHEEL: 'Wheel-Version: 2.0\n' }))],
  ['wheel/header-mismatch', 'two names', () => madeWith({ name: 'x.py', localName: 'y.py', text })],
  ['wheel/overlap', 'bytes between files', () => madeWith({ name: 'x.py', text, junkAfter: Buffer.from('junk') })],
  [
    'wheel/overlap',
    'two files in one place',
    () =>
      makeZip(
        wheelFiles([
          { name: 'x.py', text },
          { name: 'y.py', text, offsetBytes: 0 },
        ]),
      ),
  ],
  ['wheel/wrong-checksum', 'a wrong CRC', () => madeWith({ name: 'x.py', text, crc32: 1 })],
  ['wheel/wrong-checksum', 'a size too small', () => madeWith({ name: 'x.py', text, sizeBytes: 10 })],
  ['wheel/wrong-checksum', 'a size too large', () => madeWith({ name: 'x.py', text, sizeBytes: 100_000 })],
  [
    'wheel/wrong-checksum',
    'bytes behind the deflate stream',
    () =>
      madeWith({
        name: 'x.py',
        text,
        deflated: Buffer.concat([deflateRawSync(Buffer.from(text)), Buffer.from('more')]),
      }),
  ],
  [
    'wheel/wrong-checksum',
    'a large file with a wrong CRC',
    () => madeWith({ name: 'x.py', text: randomBytes(6 << 20), crc32: 1 }),
  ],
  [
    'wheel/wrong-checksum',
    'a large file that is damaged',
    () => madeWith({ name: 'x.py', text: Buffer.alloc(6 << 20), deflated: randomBytes(2 << 20) }),
  ],
  [
    'wheel/wrong-record',
    'another sum in RECORD',
    () => makeZip(wheelFiles([{ name: 'x.py', text }], { RECORD: `x.py,sha256=${'A'.repeat(43)},600\n` })),
  ],
  [
    'wheel/metadata',
    'a weak sum in RECORD',
    () => makeZip(wheelFiles([{ name: 'x.py', text }], { RECORD: 'x.py,md5=AAAA,600\n' })),
  ],
  [
    'wheel/metadata',
    'another package inside',
    () => makeZip(wheelFiles([]).map((file) => ({ ...file, name: file.name.replace('demo', 'other') }))),
  ],
  ['wheel/bomb', 'a bomb', () => madeWith({ name: 'x.py', text: Buffer.alloc(1 << 20), sizeBytes: 0xfffffff0 })],
  ['wheel/not-a-zip', 'no zip', () => Buffer.from('<html>'.repeat(1000))],
  ['wheel/not-a-zip', 'a zip cut short', () => makeZip(wheelFiles([{ name: 'x.py', text }])).subarray(0, -30)],
];

for (const [code, what, make] of refused) {
  test(`${what} is refused as ${code}`, async () => {
    await assert.rejects(install(make()), (thrown) => {
      assert.ok(isFault(thrown), String(thrown instanceof Error ? thrown.stack : thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.message, /demo-1\.0-py3-none-any\.whl/);
      return true;
    });
  });
}

test('a file other than the locked one is refused at the end', async () => {
  const zip = makeZip(wheelFiles([{ name: 'x.py', text }]));
  await assert.rejects(install(zip, '0'.repeat(64)), { code: 'wheel/wrong-digest' });
  const other = Buffer.from(zip);
  const source = {
    ...sourceOf(zip),
    stream: async function* () {
      yield other.subarray(0, other.length - 40);
    },
  };
  await assert.rejects(installFrom(source, sha256Of(zip)), { code: 'wheel/truncated' });
});

test('whatever is damaged gives a fault, never another tree', async () => {
  const zip = makeZip(
    wheelFiles([
      { name: 'demo/x.py', text },
      { name: 'demo/y.bin', text: randomBytes(500) },
    ]),
  );
  const sum = sha256Of(zip);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: zip.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const damaged = Buffer.from(zip);
      damaged[at] = (damaged[at] ?? 0) ^ change;
      await assert.rejects(install(damaged, sum), (thrown) => isFault(thrown));
    }),
    { numRuns: 400 },
  );
});

test('a remote wheel is read by parts, resumed, and spooled where parts are not served', async (t) => {
  const zip = makeZip(
    wheelFiles([
      { name: 'demo/large.bin', text: randomBytes(3 << 20) },
      { name: 'demo/x.py', text },
    ]),
  );
  for (const kind of ['ranges', 'whole only', 'broken'] as const) {
    const { url, requests } = await serve(t, zip, kind);
    const http = new HttpClient();
    const source = remoteWheel(http, url, zip.length);
    try {
      if (kind === 'ranges') {
        const metadata = await readWheelMetadata(source, filename);
        assert.deepEqual(metadata.requirements, ['six>=1']);
        assert.deepEqual(metadata.importNames, ['demo']);
        assert.ok(
          requests.every(({ sentBytes }) => sentBytes < zip.length / 2),
          'the metadata came without the rest',
        );
      }
      const files = await installFrom(source, sha256Of(zip));
      assert.equal(files.get(`${site}/demo/x.py`)?.text, text);
      if (kind === 'whole only')
        assert.equal(requests.filter(({ sentBytes }) => sentBytes === zip.length).length <= 2, true);
    } finally {
      await source.close();
      await http.close();
    }
  }
});

type Installed = { readonly bytes: Buffer; readonly text: string; readonly mode: number };

function madeWith(file: MadeFile): Buffer {
  return makeZip(wheelFiles([file]));
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function sourceOf(zip: Buffer): WheelSource {
  return {
    sizeBytes: zip.length,
    readAt: async (offset, length) => zip.subarray(offset, offset + length),
    stream: async function* () {
      for (let at = 0; at < zip.length; at += 100_000) yield zip.subarray(at, at + 100_000);
    },
    close: async () => undefined,
  };
}

function install(zip: Buffer, sha256 = sha256Of(zip)): Promise<Map<string, Installed>> {
  return installFrom(sourceOf(zip), sha256);
}

async function installFrom(source: WheelSource, sha256: string): Promise<Map<string, Installed>> {
  const files = new Map<string, Installed>();
  for await (const entry of installWheel(source, {
    filename,
    sha256,
    sizeBytes: source.sizeBytes,
    pythonVersion: '3.11',
    prefix: 'opt/venv',
  })) {
    if (entry.type !== 'file') continue;
    const parts: Uint8Array[] = [];
    if (entry.content.kind === 'bytes') parts.push(entry.content.bytes);
    else
      for await (const chunk of entry.content.chunks)
        parts.push(Buffer.from(chunk instanceof Uint8Array ? chunk : chunk.inflated));
    const bytes = Buffer.concat(parts);
    files.set(entry.path, { bytes, text: bytes.length < 10_000 ? bytes.toString() : '', mode: entry.mode });
  }
  return files;
}

async function serve(t: TestContext, bytes: Buffer, kind: 'ranges' | 'whole only' | 'broken') {
  const requests: { sentBytes: number }[] = [];
  let broken = false;
  const server = createServer((request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const isPart = kind !== 'whole only' && from !== undefined && to !== undefined;
    const part = isPart ? bytes.subarray(Number(from), Number(to) + 1) : bytes;
    response.writeHead(isPart ? 206 : 200, {
      'content-length': part.length,
      etag: '"1"',
      ...(isPart && { 'content-range': `bytes ${from}-${to}/${bytes.length}` }),
    });
    requests.push({ sentBytes: part.length });
    if (kind === 'broken' && !isPart && !broken) {
      broken = true;
      response.write(part.subarray(0, 1_000_000), () => response.destroy());
    } else response.end(part);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${filename}`, requests };
}
