import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isFault } from '@mir/core';
import { HttpClient } from '@mir/http';
import fc from 'fast-check';
import { readWheelMetadata, remoteWheel } from '../src/index.ts';
import { filename, install, installFrom, sha256Of, site, sourceOf } from './installed-wheel.ts';
import { makeZip, wheelFiles } from './zip-maker.ts';

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

test('a wheel is read from a room of any size that is used again', async () => {
  const files = wheelFiles([
    { name: 'demo/x.py', text: 'x = 1\n'.repeat(100) },
    { name: 'demo/stored.bin', text: randomBytes(500), method: 0 },
    { name: 'demo-1.0.data/scripts/tool', text: '#!python -E\nprint(1)\n' },
  ]).map((file) => ({ ...file, descriptor: file.method !== 0 }));
  const zip = makeZip(files);
  const wanted = await install(zip);
  for (let roomBytes = 1; roomBytes < 70; roomBytes++) {
    assert.deepEqual(await installFrom(sourceOf(zip, roomBytes), sha256Of(zip)), wanted, `${roomBytes} bytes`);
  }
  // The first chunks of this script inflate to nothing: they are the code of its letters.
  const script = Buffer.alloc(2 << 20, `#!/bin/sh\n${randomBytes(3000).toString('base64')}\n`);
  const long = makeZip(wheelFiles([{ name: 'demo-1.0.data/scripts/tool', text: script }]));
  assert.deepEqual(await installFrom(sourceOf(long, 20), sha256Of(long)), await install(long));
});

const text = 'x = 1\n'.repeat(100);

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
      http.close();
    }
  }
});

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
