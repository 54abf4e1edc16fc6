import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';
import { isFault } from '@mir/core';
import { install, site } from './installed-wheel.ts';
import { type MadeFile, makeZip, wheelFiles } from './zip-maker.ts';

const info = 'demo-1.0.dist-info';
const data = 'demo-1.0.data';
const text = 'x = 1\n'.repeat(100);
const sound = makeZip(wheelFiles([{ name: 'x.py', text }]));
const sound64 = makeZip(wheelFiles([{ name: 'x.py', text }]), true);

/** What is refused: the code, what is wrong, and the file. */
const refused: readonly (readonly [code: string, what: string, make: () => Buffer])[] = [
  // Paths
  ['wheel/unsafe-path', 'a path that leads out', () => madeWith({ name: '../x.py', text })],
  ['wheel/unsafe-path', 'a path that leads out and in again', () => madeWith({ name: 'a/../x.py', text })],
  ['wheel/unsafe-path', 'a path that ends above', () => madeWith({ name: 'a/..', text })],
  ['wheel/unsafe-path', 'an absolute path', () => madeWith({ name: '/x.py', text })],
  ['wheel/unsafe-path', 'a path with two slashes', () => madeWith({ name: 'a//x.py', text })],
  ['wheel/unsafe-path', 'a path that begins here', () => madeWith({ name: './x.py', text })],
  ['wheel/unsafe-path', 'a path with a dot in the middle', () => madeWith({ name: 'a/./x.py', text })],
  ['wheel/unsafe-path', 'a path of a drive', () => madeWith({ name: 'C:/x.py', text })],
  ['wheel/unsafe-path', 'a backslash', () => madeWith({ name: 'a\\x.py', text })],
  ['wheel/unsafe-path', 'a way out by backslashes', () => madeWith({ name: '..\\x.py', text })],
  ['wheel/unsafe-path', 'no name', () => madeWith({ name: '', text })],
  ['wheel/unsafe-path', 'a folder without a name', () => madeWith({ name: '/', text: '' })],
  ['wheel/unsafe-path', 'a NUL in a name', () => madeWith({ name: 'x.py\0.txt', text })],
  ['wheel/unsafe-path', 'a line end in a name', () => madeWith({ name: 'x\n.py', text })],
  ['wheel/unsafe-path', 'an escape sequence in a name', () => madeWith({ name: '\u001b[2Jx.py', text })],
  ['wheel/unsafe-path', 'a name of 256 bytes', () => madeWith({ name: `${'x'.repeat(253)}.py`, text })],
  ['wheel/unsafe-path', 'a path of 4,000 bytes', () => madeWith({ name: `${'abc/'.repeat(1000)}x.py`, text })],
  ['wheel/unsafe-path', 'a path out of the scripts', () => madeWith({ name: `${data}/scripts/../../x`, text })],
  ['wheel/unsafe-path', 'a path out of the data', () => madeWith({ name: `${data}/data/../../../etc/passwd`, text })],
  ['wheel/unsafe-path', 'an absolute path below the data', () => madeWith({ name: `${data}/data//etc/passwd`, text })],
  ['wheel/unsafe-path', 'a replaced interpreter', () => madeWith({ name: `${data}/scripts/python3`, text })],
  [
    'wheel/unsafe-path',
    'a replaced interpreter by version',
    () => madeWith({ name: `${data}/scripts/python3.11`, text }),
  ],
  ['wheel/unsafe-path', 'a replaced interpreter by data', () => madeWith({ name: `${data}/data/bin/python`, text })],
  ['wheel/unsafe-path', 'a replaced activation', () => madeWith({ name: `${data}/scripts/activate`, text })],
  ['wheel/unsafe-path', 'a replaced pyvenv.cfg', () => madeWith({ name: `${data}/data/pyvenv.cfg`, text })],
  ['wheel/unsupported', 'a name in Latin-1', () => withName(Buffer.from([0x78, 0xe9, 0x2e, 0x70, 0x79]))],
  ['wheel/unsupported', 'a name in UTF-8 that is not declared', () => madeWith({ name: 'é.py', text, flags: 0 })],

  // Kinds of entries
  ['wheel/link', 'a symbolic link', () => madeWith({ name: 'x.py', text, unixMode: 0o120777 })],
  ['wheel/link', 'a symbolic link out of the tree', () => madeWith({ name: 'x', text: '/etc', unixMode: 0o120777 })],
  ['wheel/not-a-zip', 'a folder with contents', () => madeWith({ name: 'x/', text })],
  ['wheel/encrypted', 'an encrypted file', () => madeWith({ name: 'x.py', text, flags: 0x801 })],
  ['wheel/encrypted', 'a strongly encrypted file', () => madeWith({ name: 'x.py', text, flags: 0x840 })],
  ['wheel/encrypted', 'an encrypted directory', () => madeWith({ name: 'x.py', text, flags: 0x2800 })],
  ...[1, 6, 9, 12, 14, 93, 99].map(
    (method) => ['wheel/unsupported', `method ${method}`, () => madeWith({ name: 'x.py', text, method })] as const,
  ),

  // The same place twice
  ['wheel/duplicate', 'a RECORD twice', () => madeWith({ name: `${info}/RECORD`, text: '' })],
  ['wheel/duplicate', 'a name twice', () => madeOf({ name: 'x.py', text }, { name: 'x.py', text: 'y' })],
  ['wheel/duplicate', 'a name as file and folder', () => madeOf({ name: 'x', text }, { name: 'x/', text: '' })],
  [
    'wheel/duplicate',
    'one place from two folders',
    () => madeOf({ name: 'x.py', text }, { name: `${data}/purelib/x.py`, text: 'y' }),
  ],
  [
    'wheel/duplicate',
    'one place from purelib and platlib',
    () => madeOf({ name: `${data}/platlib/x.py`, text }, { name: `${data}/purelib/x.py`, text }),
  ],
  ['wheel/duplicate', 'a file that is a folder too', () => madeOf({ name: 'x', text }, { name: 'x/y', text: 'y' })],
  [
    'wheel/duplicate',
    'a script from data too',
    () => madeOf({ name: `${data}/data/bin/t`, text }, { name: `${data}/scripts/t`, text }),
  ],
  ['wheel/duplicate', 'an INSTALLER by data', () => madeWith({ name: `${data}/purelib/${info}/INSTALLER`, text })],
  ['wheel/duplicate', 'a RECORD by data', () => madeWith({ name: `${data}/purelib/${info}/RECORD`, text })],
  [
    'wheel/duplicate',
    'a launcher that data brings',
    () =>
      makeZip(
        wheelFiles([{ name: `${data}/data/bin/t`, text }], { 'entry_points.txt': '[console_scripts]\nt = a:b\n' }),
      ),
  ],

  // What zips say twice
  ['wheel/header-mismatch', 'two names', () => madeWith({ name: 'x.py', localName: 'y.py', text })],
  ['wheel/header-mismatch', 'a longer local name', () => madeWith({ name: 'x.py', localName: 'x.pyc', text })],
  ['wheel/header-mismatch', 'a local name in other case', () => madeWith({ name: 'x.py', localName: 'X.py', text })],
  ['wheel/header-mismatch', 'two flags', () => patched(sound, 6, (at) => (sound[at] ?? 0) ^ 2)],
  ['wheel/header-mismatch', 'two methods', () => patched(sound, 8, () => 0)],
  ['wheel/header-mismatch', 'two checksums', () => patched(sound, 14, (at) => (sound[at] ?? 0) ^ 1)],
  ['wheel/header-mismatch', 'two compressed sizes', () => patched(sound, 18, (at) => (sound[at] ?? 0) + 1)],
  ['wheel/header-mismatch', 'two sizes', () => patched(sound, 22, (at) => (sound[at] ?? 0) ^ 1)],
  ['wheel/header-mismatch', 'a local header that is none', () => patched(sound, 0, () => 0)],
  ['wheel/header-mismatch', 'a data descriptor that lies', () => withLyingDescriptor()],
  ['wheel/not-a-zip', 'a stored file with two sizes', () => madeWith({ name: 'x.py', text, method: 0, sizeBytes: 5 })],

  // Places of things
  ['wheel/overlap', 'bytes before the first file', () => Buffer.concat([Buffer.from('#!'), sound])],
  ['wheel/overlap', 'bytes between files', () => madeWith({ name: 'x.py', text, junkAfter: Buffer.from('junk') })],
  [
    'wheel/overlap',
    'a file between files that nobody lists',
    () => madeWith({ name: 'x.py', text, junkAfter: sound.subarray(0, 60) }),
  ],
  [
    'wheel/overlap',
    'two files in one place',
    () => madeOf({ name: 'x.py', text }, { name: 'y.py', text, offsetBytes: 0 }),
  ],
  [
    'wheel/overlap',
    'a file inside of another',
    () => madeOf({ name: 'x.py', text, method: 0 }, { name: 'y.py', text, offsetBytes: 34 }),
  ],
  [
    'wheel/overlap',
    'a file in the directory',
    () => madeOf({ name: 'x.py', text }, { name: 'y.py', text, offsetBytes: sound.length - 100 }),
  ],
  [
    'wheel/overlap',
    'a place beyond the end',
    () => madeOf({ name: 'x.py', text }, { name: 'y.py', text, offsetBytes: 1 << 30 }),
  ],
  ['wheel/not-a-zip', 'bytes behind the end', () => Buffer.concat([sound, Buffer.from('junk')])],
  ['wheel/overlap', 'bytes behind the directory', () => withBytesBeforeEnd(sound, Buffer.from('junk'))],
  ['wheel/overlap', 'two archives in one', () => Buffer.concat([sound, sound])],

  // The end record
  ['wheel/not-a-zip', 'no bytes at all', () => Buffer.alloc(0)],
  ['wheel/not-a-zip', 'one byte', () => Buffer.from('P')],
  ['wheel/not-a-zip', 'a page for people', () => Buffer.from('<html>'.repeat(1000))],
  ['wheel/not-a-zip', 'another kind of archive', () => Buffer.alloc(4096, 'ustar')],
  ['wheel/not-a-zip', 'more entries than there are', () => endPatched(sound, (end) => end.writeUInt16LE(99, 10))],
  [
    'wheel/not-a-zip',
    'fewer entries than there are',
    () => endPatched(sound, (end) => [8, 10].map((at) => end.writeUInt16LE(1, at))),
  ],
  ['wheel/not-a-zip', 'another disk', () => endPatched(sound, (end) => end.writeUInt16LE(1, 4))],
  ['wheel/not-a-zip', 'a directory on another disk', () => endPatched(sound, (end) => end.writeUInt16LE(1, 6))],
  [
    'wheel/not-a-zip',
    'a directory beyond the end',
    () => endPatched(sound, (end) => end.writeUInt32LE(0x7fffffff, 16)),
  ],
  [
    'wheel/not-a-zip',
    'a directory that is too long',
    () => endPatched(sound, (end) => end.writeUInt32LE(0x7fffffff, 12)),
  ],
  ['wheel/overlap', 'a directory that is too short', () => endPatched(sound, (end) => end.writeUInt32LE(46, 12))],
  ['wheel/not-a-zip', 'zip64 without its record', () => endPatched(sound, (end) => end.writeUInt32LE(0xffffffff, 16))],
  [
    'wheel/not-a-zip',
    'a zip64 record beyond the end',
    () => locatorPatched((locator) => locator.writeBigUInt64LE(1n << 60n, 8)),
  ],
  ['wheel/not-a-zip', 'a zip64 record elsewhere', () => locatorPatched((locator) => locator.writeBigUInt64LE(0n, 8))],
  [
    'wheel/bomb',
    'a zip64 record with a billion entries',
    () => record64Patched((record) => record.writeBigUInt64LE(10n ** 9n, 32)),
  ],
  [
    'wheel/not-a-zip',
    'a zip64 directory of an exabyte',
    () => record64Patched((record) => record.writeBigUInt64LE(1n << 60n, 40)),
  ],
  [
    'wheel/not-a-zip',
    'a zip64 directory beyond the end',
    () => record64Patched((record) => record.writeBigUInt64LE(1n << 60n, 48)),
  ],
  ['wheel/not-a-zip', 'a zip64 field that is cut short', () => central64Patched((field) => field.writeUInt16LE(4, 2))],
  [
    'wheel/overlap',
    'a zip64 place of an exabyte',
    () => central64Patched((field) => field.writeBigUInt64LE(1n << 60n, 20)),
  ],
  [
    'wheel/overlap',
    'a zip64 compressed size of an exabyte',
    () => central64Patched((field) => field.writeBigUInt64LE(1n << 60n, 12)),
  ],
  ['wheel/bomb', 'a zip64 size of an exabyte', () => central64Patched((field) => field.writeBigUInt64LE(1n << 60n, 4))],
  [
    'wheel/not-a-zip',
    'an extra field that is longer than its place',
    () => central64Patched((field) => field.writeUInt16LE(0x7fff, 2)),
  ],

  // Contents
  ['wheel/wrong-checksum', 'a wrong CRC', () => madeWith({ name: 'x.py', text, crc32: 1 })],
  ['wheel/wrong-checksum', 'a wrong CRC of a stored file', () => madeWith({ name: 'x.py', text, crc32: 1, method: 0 })],
  [
    'wheel/wrong-checksum',
    'a wrong CRC of an empty file',
    () => madeWith({ name: 'x.py', text: '', crc32: 1, method: 0 }),
  ],
  ['wheel/wrong-checksum', 'a size too small', () => madeWith({ name: 'x.py', text, sizeBytes: 10 })],
  ['wheel/wrong-checksum', 'a size of nothing', () => madeWith({ name: 'x.py', text, sizeBytes: 0 })],
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
    'a deflate stream that is cut short',
    () => madeWith({ name: 'x.py', text, deflated: deflateRawSync(Buffer.from(text)).subarray(0, -3) }),
  ],
  ['wheel/wrong-checksum', 'no deflate stream', () => madeWith({ name: 'x.py', text, deflated: Buffer.alloc(0) })],
  [
    'wheel/wrong-checksum',
    'a deflate stream of nonsense',
    () => madeWith({ name: 'x.py', text, deflated: Buffer.alloc(50, 0xff) }),
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
    'wheel/wrong-checksum',
    'a large file that is longer than it says',
    () => madeWith({ name: 'x.py', text: Buffer.alloc(24 << 20), sizeBytes: 5 << 20 }),
  ],
  [
    'wheel/wrong-checksum',
    'a bomb that calls itself small',
    () => madeWith({ name: 'x.py', text: Buffer.alloc(64 << 20), sizeBytes: 1000 }),
  ],
  [
    'wheel/bomb',
    'a bomb that says so',
    () => madeWith({ name: 'x.py', text: Buffer.alloc(1 << 20), sizeBytes: 0xfffffff0 }),
  ],
  [
    'wheel/bomb',
    'many small bombs',
    () =>
      makeZip(
        wheelFiles(
          Array.from({ length: 12 }, (_, number) => ({
            name: `${number}.py`,
            text: Buffer.alloc(1 << 20),
            sizeBytes: 250 << 20,
          })),
        ),
      ),
  ],
  [
    'wheel/bomb',
    'a RECORD of a gigabyte',
    () =>
      makeZip(wheelFiles([]).map((file) => (file.name.endsWith('RECORD') ? { ...file, sizeBytes: 1 << 29 } : file))),
  ],

  // RECORD
  ['wheel/wrong-record', 'another sum in RECORD', () => withRecord(`x.py,sha256=${'A'.repeat(43)},600\n`)],
  ['wheel/wrong-record', 'another size in RECORD', () => withRecord('x.py,,599\n')],
  ['wheel/wrong-record', 'another sum by SHA-512 in RECORD', () => withRecord(`x.py,sha512=${'A'.repeat(86)},600\n`)],
  [
    'wheel/wrong-record',
    'another sum of METADATA in RECORD',
    () => withRecord(`${info}/METADATA,sha256=${'A'.repeat(43)},\n`),
  ],
  ['wheel/metadata', 'a weak sum in RECORD', () => withRecord('x.py,md5=AAAA,600\n')],
  ['wheel/metadata', 'a sum by SHA-1 in RECORD', () => withRecord('x.py,sha1=AAAA,600\n')],
  ['wheel/metadata', 'a sum of no known kind in RECORD', () => withRecord('x.py,nonsense=AAAA,600\n')],
  ['wheel/metadata', 'a RECORD of one column', () => withRecord('x.py\n')],
  ['wheel/metadata', 'a RECORD with a size in words', () => withRecord('x.py,,many\n')],
  ['wheel/metadata', 'a RECORD with an open quote', () => withRecord('"x.py,,\n')],
  ['wheel/metadata', 'a RECORD that is no text', () => withRecord('\u0000', Buffer.from([0xff, 0xfe, 0x80]))],
  ['wheel/metadata', 'no RECORD', () => without('RECORD')],

  // Metadata
  ['wheel/metadata', 'no WHEEL', () => without('WHEEL')],
  ['wheel/metadata', 'no dist-info', () => makeZip([{ name: 'x.py', text }])],
  ['wheel/metadata', 'no file at all', () => makeZip([])],
  ['wheel/metadata', 'two dist-infos', () => madeWith({ name: 'other-1.0.dist-info/METADATA', text })],
  ['wheel/metadata', 'another package inside', () => renamed('demo', 'other')],
  ['wheel/metadata', 'another version inside', () => renamed('demo-1.0', 'demo-1.1')],
  ['wheel/metadata', 'a dist-info without version', () => renamed('demo-1.0', 'demo')],
  ['wheel/metadata', 'a dist-info below a folder', () => renamed('demo-1.0', 'a/demo-1.0')],
  ['wheel/metadata', 'an empty WHEEL', () => makeZip(wheelFiles([], { WHEEL: '' }))],
  ['wheel/metadata', 'a WHEEL without version', () => makeZip(wheelFiles([], { WHEEL: 'Root-Is-Purelib: true\n' }))],
  [
    'wheel/metadata',
    'a WHEEL with a version in words',
    () => makeZip(wheelFiles([], { WHEEL: 'Wheel-Version: one\n' })),
  ],
  ['wheel/unsupported', 'wheel format 2', () => makeZip(wheelFiles([], { WHEEL: 'Wheel-Version: 2.0\n' }))],
  ['wheel/unsupported', 'wheel format 10', () => makeZip(wheelFiles([], { WHEEL: 'Wheel-Version: 10.0\n' }))],
  ['wheel/metadata', 'an unknown .data folder', () => madeWith({ name: `${data}/odd/x`, text })],
  ['wheel/metadata', 'a .data folder in other case', () => madeWith({ name: `${data}/Scripts/x`, text })],
  ['wheel/metadata', 'a .data folder that objects have', () => madeWith({ name: `${data}/constructor/x`, text })],
  ['wheel/metadata', 'a file beside the .data folders', () => madeWith({ name: `${data}/x`, text })],

  // Entry points
  ['wheel/unsafe-path', 'a launcher in another folder', () => withCommand('../x = a:b')],
  ['wheel/unsafe-path', 'a launcher with an absolute path', () => withCommand('/usr/bin/x = a:b')],
  ['wheel/unsafe-path', 'a launcher named ..', () => withCommand('.. = a:b')],
  ['wheel/unsafe-path', 'a launcher that replaces the interpreter', () => withCommand('python = a:b')],
  ['wheel/unsafe-path', 'a launcher that replaces the interpreter by version', () => withCommand('python3.11 = a:b')],
  ['wheel/unsafe-path', 'a launcher with an escape sequence', () => withCommand('\u001b[2J = a:b')],
  ['wheel/unsafe-path', 'a launcher with a name of 300 bytes', () => withCommand(`${'x'.repeat(300)} = a:b`)],
  ['wheel/metadata', 'a launcher of no function', () => withCommand('x = a')],
  ['wheel/metadata', 'a launcher of code', () => withCommand('x = a:b;import os')],
  ['wheel/metadata', 'a launcher whose module is code', () => withCommand('x = a import c; d:b')],
  ['wheel/metadata', 'a launcher without a name', () => withCommand('= a:b')],
  [
    'wheel/metadata',
    'entry points that are no text',
    () => makeZip(wheelFiles([{ name: `${info}/entry_points.txt`, text: Buffer.from([0xff, 0xff]) }])),
  ],
  [
    'wheel/duplicate',
    'two launchers that lie in each other',
    () =>
      makeZip(
        wheelFiles([{ name: `${data}/scripts/x/y`, text }], { 'entry_points.txt': '[console_scripts]\nx = a:b\n' }),
      ),
  ],
];

for (const [code, what, make] of refused) {
  test(`${what} is refused as ${code}`, async () => {
    await assert.rejects(install(make()), (thrown) => {
      assert.ok(isFault(thrown), String(thrown instanceof Error ? thrown.stack : thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.message, /demo-1\.0-py3-none-any\.whl/);
      assert.ok(thrown.hint.length > 20, 'it says what to do');
      return true;
    });
  });
}

/** What looks odd and is right, or harmless: the files that come of it. */
const accepted: readonly (readonly [what: string, make: () => Buffer, path: string, mode: number])[] = [
  ['names that differ in case', () => madeOf({ name: 'x.py', text }, { name: 'X.py', text }), `${site}/X.py`, 0o644],
  ['a name with blanks and quotes', () => madeWith({ name: 'a "b", c.py', text }), `${site}/a "b", c.py`, 0o644],
  ['a name beyond ASCII', () => madeWith({ name: 'é/ü.py', text }), `${site}/é/ü.py`, 0o644],
  ['a name of 255 bytes', () => madeWith({ name: 'x'.repeat(255), text }), `${site}/${'x'.repeat(255)}`, 0o644],
  ['names of dots', () => madeWith({ name: '.../..x', text }), `${site}/.../..x`, 0o644],
  ['a set-id bit, which does not stay', () => madeWith({ name: 'x', text, unixMode: 0o106755 }), `${site}/x`, 0o755],
  [
    'a device, which is a file like others',
    () => madeWith({ name: 'x', text, unixMode: 0o060644 }),
    `${site}/x`,
    0o644,
  ],
  ['a file that nobody may read', () => madeWith({ name: 'x', text, unixMode: 0o100000 }), `${site}/x`, 0o644],
  ['a file that RECORD does not name', () => withRecord('other,,\n'), `${site}/x.py`, 0o644],
  ['an empty RECORD', () => withRecord(''), `${site}/x.py`, 0o644],
  [
    'a REQUESTED of its own, which does not count',
    () => madeOf({ name: 'x', text }, { name: `${info}/REQUESTED`, text: '' }),
    `${site}/x`,
    0o644,
  ],
  ['an end with a comment', () => withComment(sound, 'a comment'), `${site}/x.py`, 0o644],
  ['a folder named .data without a dash', () => madeWith({ name: 'x.data', text }), `${site}/x.data`, 0o644],
  ['an empty stored file', () => madeWith({ name: 'x', text: '', method: 0 }), `${site}/x`, 0o644],
  ['an empty deflated file', () => madeWith({ name: 'x', text: '' }), `${site}/x`, 0o644],
];

for (const [what, make, path, mode] of accepted) {
  test(`${what} is installed`, async () => {
    const files = await install(make());
    assert.equal(files.get(path)?.mode, mode, [...files.keys()].join('\n'));
  });
}

test('a wheel that ends anywhere but at its end is refused, and never read as another', async () => {
  for (let length = 0; length < sound64.length; length += 7) {
    const cut = sound64.subarray(0, length);
    await assert.rejects(install(cut), (thrown) => isFault(thrown, 'wheel/not-a-zip'), `after ${length} bytes`);
  }
});

function madeWith(file: MadeFile): Buffer {
  return makeZip(wheelFiles([file]));
}

function madeOf(...files: readonly MadeFile[]): Buffer {
  return makeZip(wheelFiles(files));
}

function withCommand(line: string): Buffer {
  return makeZip(wheelFiles([], { 'entry_points.txt': `[console_scripts]\n${line}\n` }));
}

function withRecord(record: string, bytes?: Uint8Array): Buffer {
  const files = wheelFiles([{ name: 'x.py', text }], { RECORD: record });
  return makeZip(
    files.map((file) => (bytes !== undefined && file.name.endsWith('/RECORD') ? { ...file, text: bytes } : file)),
  );
}

function without(name: string): Buffer {
  return makeZip(wheelFiles([{ name: 'x.py', text }]).filter((file) => file.name !== `${info}/${name}`));
}

function renamed(from: string, to: string): Buffer {
  return makeZip(wheelFiles([]).map((file) => ({ ...file, name: file.name.replace(from, to) })));
}

/** A wheel whose second name is made of these bytes, in both places. */
function withName(name: Buffer): Buffer {
  const zip = madeWith({ name: 'wxyz!', text, flags: 0 });
  for (let at = zip.indexOf('wxyz!'); at >= 0; at = zip.indexOf('wxyz!', at)) name.copy(zip, at);
  return zip;
}

/** One byte of the first local header changed. */
function patched(zip: Buffer, at: number, change: (at: number) => number): Buffer {
  const changed = Buffer.from(zip);
  changed[at] = change(at) & 0xff;
  return changed;
}

function endPatched(zip: Buffer, change: (end: Buffer) => unknown): Buffer {
  const changed = Buffer.from(zip);
  change(changed.subarray(-22));
  return changed;
}

function locatorPatched(change: (locator: Buffer) => unknown): Buffer {
  const changed = Buffer.from(sound64);
  change(changed.subarray(-42, -22));
  return changed;
}

function record64Patched(change: (record: Buffer) => unknown): Buffer {
  const changed = Buffer.from(sound64);
  change(changed.subarray(-98, -42));
  return changed;
}

/** The zip64 field of the first entry in the directory. */
function central64Patched(change: (field: Buffer) => unknown): Buffer {
  const changed = Buffer.from(sound64);
  const at = changed.indexOf('PK\u0001\u0002') + 46 + 'x.py'.length;
  change(changed.subarray(at, at + 28));
  return changed;
}

function withBytesBeforeEnd(zip: Buffer, bytes: Buffer): Buffer {
  return Buffer.concat([zip.subarray(0, -22), bytes, zip.subarray(-22)]);
}

function withComment(zip: Buffer, comment: string): Buffer {
  const changed = endPatched(zip, (end) => end.writeUInt16LE(comment.length, 20));
  return Buffer.concat([changed, Buffer.from(comment)]);
}

function withLyingDescriptor(): Buffer {
  const zip = madeWith({ name: 'x.py', text, descriptor: true });
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(text));
  const at = zip.indexOf(Buffer.concat([Buffer.from('PK\u0007\u0008'), sum]));
  zip.writeUInt32LE(1, at + 8);
  return zip;
}
