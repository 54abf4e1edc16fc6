import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareVersions, formatLock, type Lock, normalizeVersion, parseLock } from '../src/index.ts';
import { formatRecord, parseRecord } from '../src/wheel/record.ts';
import { install, site } from './installed-wheel.ts';
import { makeZip, wheelFiles } from './zip-maker.ts';

test('a RECORD is read as it was written', () => {
  const path = fc.string({ minLength: 1 }).filter((text) => !/^\s*$/.test(text) && !text.includes('\0'));
  const row = fc.record({ path, sha256Base64url: fc.constant('A'.repeat(43)), sizeBytes: fc.nat() });
  fc.assert(
    fc.property(fc.uniqueArray(row, { selector: (one) => one.path }), (rows) => {
      const read = parseRecord(Buffer.from(formatRecord(rows, 'x.dist-info/RECORD')).toString(), 'x.whl');
      for (const { path: wanted, sizeBytes } of rows) assert.equal(read.get(wanted)?.sizeBytes, sizeBytes, wanted);
    }),
  );
});

test('a wheel of any files gives these files, however they are stored', async () => {
  const folders = ['demo', 'sub', 'p', 'q'];
  // What is a folder cannot be a file as well: that is refused.
  const name = fc
    .stringMatching(/^[a-zé "',;#-]{1,12}$/)
    .filter((text) => text.trim() !== '' && !folders.includes(text));
  const folder = fc.constantFrom('', 'demo/', 'demo/sub/', 'demo-1.0.data/purelib/p/', 'demo-1.0.data/platlib/q/');
  const file = fc.record({
    name: fc.tuple(folder, name).map((parts) => parts.join('')),
    text: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
    method: fc.constantFrom(0, 8),
    descriptor: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(file, { selector: (one) => one.name, maxLength: 6 }),
      fc.boolean(),
      async (files, zip64) => {
        const installed = await install(makeZip(wheelFiles(files), zip64));
        for (const { name: wanted, text } of files) {
          const path = wanted.replace(/^demo-1\.0\.data\/[a-z]+\//, '');
          assert.ok(installed.get(`${site}/${path}`)?.bytes.equals(text), wanted);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('a lock is read as it was written', () => {
  const version = fc.constantFrom('1', '2.0rc1', '1!3.post2', '1.0+local.1');
  const locked = fc.record({ name: fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), version, sizeBytes: fc.nat() });
  fc.assert(
    fc.property(fc.uniqueArray(locked, { selector: (one) => one.name }), (list) => {
      const lock: Lock = {
        target: { pythonVersion: '3.11.2', architecture: 'amd64', libc: { family: 'glibc', version: '2.36' } },
        createdBy: 'uv 1',
        packages: list
          .map(({ name, version: own, sizeBytes }) => ({
            name,
            version: own,
            wheel: {
              filename: `${name}-${own}-py3-none-any.whl`,
              url: `https://f.example/${name}.whl`,
              sha256: 'a'.repeat(64),
              sizeBytes,
            },
          }))
          .sort((one, other) => (one.name < other.name ? -1 : 1)),
      };
      assert.deepEqual(parseLock(formatLock(lock, { addresses: true }), lock.target), lock);
    }),
  );
});

test('a version is the same in its canonical spelling', () => {
  const parts = ['', 'v', '1', '.', '0', 'rc', '-', '1', '.post', '.dev', '2', '!', '+', 'ab'];
  const version = fc.array(fc.constantFrom(...parts), { maxLength: 9 }).map((chosen) => `1${chosen.join('')}`);
  fc.assert(
    fc.property(version, (text) => {
      let canonical: string;
      try {
        canonical = normalizeVersion(text);
      } catch {
        return;
      }
      assert.equal(normalizeVersion(canonical), canonical);
      assert.equal(compareVersions(text, canonical), 0);
    }),
    { numRuns: 3000 },
  );
});
