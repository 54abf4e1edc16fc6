import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isFault } from '@mir/core';
import { type ArchivePlan, dayOfRelease, listed, throwAwayKey } from './archive-of-our-own.ts';
import { folderFor, open } from './opened-archive.ts';

const packages = listed('a');
const sum = /[0-9a-f]{64}/;

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

const refused: readonly (readonly [code: string, what: string, plan: ArchivePlan])[] = [
  // Signatures
  [
    'archive/bad-signature',
    'a changed signed text',
    { packages, tamper: (text) => text.replace('Origin: Debian', 'Origin: Debiam') },
  ],
  [
    'archive/bad-signature',
    'a changed sum in the signed text',
    { packages, tamper: (text) => text.replace(sum, '0'.repeat(64)) },
  ],
  [
    'archive/bad-signature',
    'a line more in the signed text',
    { packages, tamper: (text) => text.replace('Suite:', 'X: y\nSuite:') },
  ],
  ['archive/bad-signature', 'no signature', { packages, tamper: () => 'Origin: Debian\n' }],
  [
    'archive/bad-signature',
    'a signature without its text',
    { packages, tamper: (text) => text.slice(text.indexOf('-----BEGIN PGP SIGNATURE')) },
  ],
  [
    'archive/bad-signature',
    'a text without its signature',
    { packages, tamper: (text) => text.slice(0, text.indexOf('-----BEGIN PGP SIGNATURE')) },
  ],
  [
    'archive/bad-signature',
    'a signature cut short',
    {
      packages,
      tamper: (text) =>
        `${text.slice(0, text.indexOf('-----BEGIN PGP SIGNATURE') + 80)}\n-----END PGP SIGNATURE-----\n`,
    },
  ],
  ['archive/bad-signature', 'a page for people', { packages, tamper: () => '<html><body>Sign in' }],
  ['archive/bad-signature', 'no bytes at all', { packages, tamper: () => '' }],
  ['archive/bad-signature', 'nonsense', { packages, tamper: () => '\u0000\u001b[2J'.repeat(500) }],
  [
    'archive/wrong-suite',
    'text before the signed block that is not signed',
    { packages, release: { Codename: 'sid', Suite: 'unstable' }, tamper: (text) => `Codename: bookworm\n${text}` },
  ],
  [
    'archive/wrong-suite',
    'text behind the signed block that is not signed',
    { packages, release: { Codename: 'sid', Suite: 'unstable' }, tamper: (text) => `${text}\nCodename: bookworm\n` },
  ],

  // Release
  ['archive/wrong-origin', 'another origin', { packages, release: { Origin: 'Ubuntu' } }],
  ['archive/wrong-origin', 'no origin', { packages, sign: (text) => text.replace('Origin: Debian\n', '') }],
  ['archive/wrong-suite', 'another suite', { packages, release: { Codename: 'trixie', Suite: 'stable' } }],
  [
    'archive/expired',
    'a validity that is over',
    { packages, release: { 'Valid-Until': 'Thu, 30 Apr 2026 00:00:00 UTC' } },
  ],
  ['archive/bad-release', 'a validity that is no date', { packages, release: { 'Valid-Until': 'for ever' } }],
  ['archive/bad-release', 'a date that is none', { packages, release: { Date: 'yesterday' } }],
  ['archive/bad-release', 'no date', { packages, sign: (text) => text.replace(/Date: .*\n/, '') }],
  ['archive/bad-release', 'no sums', { packages, sign: (text) => text.replace('SHA256:', 'MD5Sum:') }],
  ['archive/bad-release', 'a sum that is too short', { packages, sign: (text) => text.replace(sum, 'abc') }],
  ['archive/bad-release', 'a sum in capitals', { packages, sign: (text) => text.replace(sum, 'A'.repeat(64)) }],
  [
    'archive/bad-release',
    'a size that is no number',
    { packages, sign: (text) => text.replace(/ \d+ main/, ' many main') },
  ],
  ['archive/bad-release', 'a size below nothing', { packages, sign: (text) => text.replace(/ \d+ main/, ' -1 main') }],
  [
    'archive/bad-release',
    'a name with blanks',
    { packages, sign: (text) => text.replace('Packages.gz', 'Packages gz') },
  ],
  ['archive/bad-release', 'two paragraphs', { packages, sign: (text) => `${text}\nOrigin: Debian\n` }],
  ['control/syntax', 'a field twice', { packages, sign: (text) => `Origin: Debian\n${text}` }],
  ['control/syntax', 'a line that is no field', { packages, sign: (text) => `hello\n${text}` }],

  // The index
  [
    'archive/wrong-hash',
    'an index with a changed last byte',
    { packages, damage: (index) => flipped(index, index.length - 1) },
  ],
  [
    'archive/wrong-hash',
    'an index with a changed first byte of its text',
    { packages, damage: (index) => flipped(index, 12) },
  ],
  ['archive/wrong-hash', 'a shortened index', { packages, damage: (index) => index.subarray(0, 20) }],
  [
    'archive/wrong-hash',
    'an index that goes on',
    { packages, damage: (index) => Buffer.concat([index, gzipSync(listed('evil'))]) },
  ],
  ['archive/wrong-hash', 'an empty index', { packages, damage: () => Buffer.alloc(0) }],
  [
    'archive/wrong-hash',
    'another index of the same size',
    { packages, damage: (index) => Buffer.alloc(index.length, 'x') },
  ],
  [
    'archive/wrong-hash',
    'a size that is too small',
    { packages, sign: (text) => text.replace(/ \d+ main/, ' 1 main') },
  ],
  [
    'archive/wrong-hash',
    'a size that is too large',
    { packages, sign: (text) => text.replace(/ \d+ main/, ' 99999 main') },
  ],
  [
    'archive/wrong-hash',
    'a damaged index that is not there by its hash',
    { packages, release: { 'Acquire-By-Hash': 'yes' }, damage: () => Buffer.alloc(0) },
  ],
  ['archive/wrong-hash', 'an index that was signed and is no gzip', { packages, pack: (text) => text }],
  [
    'archive/wrong-hash',
    'an index that was signed and is half a gzip',
    { packages, pack: (text) => gzipSync(text).subarray(0, -12) },
  ],
  ['control/syntax', 'an index that was signed and lists nothing readable', { packages: 'hello\n\n' }],

  // Packages
  [
    'archive/bad-index',
    'a package path that leaves the archive',
    { packages: listed('a', { Filename: '../../etc/passwd' }) },
  ],
  [
    'archive/bad-index',
    'a package path that leaves the archive inside',
    { packages: listed('a', { Filename: 'pool/../../x.deb' }) },
  ],
  ['archive/bad-index', 'an absolute package path', { packages: listed('a', { Filename: '/etc/passwd' }) }],
  [
    'archive/bad-index',
    'a package path that is an address',
    { packages: listed('a', { Filename: 'http://h.example/x.deb' }) },
  ],
  ['archive/bad-index', 'a package path with a question', { packages: listed('a', { Filename: 'pool/x.deb?y#z' }) }],
  ['archive/bad-index', 'no package path', { packages: listed('a', { Filename: '' }) }],
  ['archive/bad-index', 'a package without a name', { packages: listed('') }],
  ['archive/bad-index', 'a package with blanks in its name', { packages: listed('a b') }],
  ['archive/bad-index', 'a package with a path as its name', { packages: listed('../a') }],
  ['archive/bad-index', 'a package without a version', { packages: listed('a', { Version: '' }) }],
  [
    'archive/bad-index',
    'a package with an escape sequence for a version',
    { packages: listed('a', { Version: '1\u001b[2J' }) },
  ],
  ['archive/bad-index', 'a package size that is no number', { packages: listed('a', { Size: 'much' }) }],
  [
    'archive/bad-index',
    'a package size beyond all numbers',
    { packages: listed('a', { Size: '99999999999999999999' }) },
  ],
  ['archive/bad-index', 'a package sum that is too short', { packages: listed('a', { SHA256: 'abc' }) }],
  ['archive/bad-index', 'a package without a sum', { packages: listed('a', { SHA256: '' }) }],
  ['archive/bad-index', 'columns of our own in a field', { packages: listed('a', { Priority: 'x\u001f\u001fy' }) }],
  ['control/syntax', 'provided names that are none', { packages: listed('a', { Provides: '((' }) }],
];

for (const [code, what, plan] of refused) {
  test(`refused as ${code}: ${what}, and the next good archive is read`, async (t) => {
    const folder = folderFor(t);
    await assert.rejects(open(t, plan, { folder }), (thrown) => {
      assert.ok(isFault(thrown), String(thrown instanceof Error ? thrown.stack : thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.ok(thrown.hint.length > 10, 'it says what to do');
      return true;
    });
    assert.equal((await open(t, { packages }, { folder })).candidates('a').length, 1);
  });
}

test("refused: a good signature of a key that is not the archive's", async (t) => {
  const other = await throwAwayKey();
  await assert.rejects(open(t, { packages }, { keys: other.publicKey }), { code: 'archive/bad-signature' });
});

test('relations that cannot be read are told of when their package is asked for', async (t) => {
  const archive = await open(t, { packages: packages + listed('b', { Depends: 'c (>> ' }) });
  assert.equal(archive.candidates('a').length, 1);
  assert.throws(() => archive.candidates('b'), { code: 'control/syntax' });
});

test('what is kept of an archive is made anew when it is damaged', async (t) => {
  const folder = folderFor(t);
  const wanted = (await open(t, { packages }, { folder })).candidates('a');
  for (const name of readdirSync(join(folder, 'cache'))) {
    const kept = readFileSync(join(folder, 'cache', name));
    for (const bytes of [
      // A bit each: of a version, a path, a digest, a date.
      ...Array.from({ length: Math.ceil(kept.length / 29) }, (_, at) => flipped(kept, at * 29)),
      kept.subarray(0, -1),
      Buffer.alloc(0),
      Buffer.from('{}'),
      Buffer.from('nonsense\n\n'),
      Buffer.from('mir package index 2\n'),
    ]) {
      writeFileSync(join(folder, 'cache', name), bytes);
      const soon = new Date(dayOfRelease.getTime() + 1000);
      const found = (await open(t, { packages }, { folder, now: soon })).candidates('a');
      assert.deepEqual(found, wanted, `${name}: ${bytes}`);
    }
    rmSync(join(folder, 'cache', name));
  }
});
