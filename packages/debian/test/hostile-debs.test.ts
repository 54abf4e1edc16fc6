import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isFault } from '@mir/core';
import { arOf, control, debOf, type Member, partsOf, read, tarOf } from './deb-maker.ts';

const whole = debOf([
  { path: './', type: '5' },
  { path: './bin/', type: '5' },
  { path: './bin/tool', content: 'hello' },
  { path: './bin/same', type: '1', target: './bin/tool' },
]);
const plain: readonly Member[] = [{ path: './usr/share/a', content: 'a' }];
const [binary, controlPart, dataPart] = partsOf(plain);

const withControl = (text: string) =>
  arOf([binary, ['control.tar', tarOf([{ path: './control', content: text }])], dataPart]);
const withData = (name: string, bytes: Buffer) => arOf([binary, controlPart, [name, bytes]]);
const xz = (bytes: Buffer, ...words: readonly string[]) => spawnSync('xz', ['-c', ...words], { input: bytes }).stdout;
const dataTar = tarOf([{ path: './usr/share/a', content: Buffer.alloc(200_000, 'abcdefg') }]);

/** A stream of a compressor with one byte changed. */
function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  const place = at < 0 ? bytes.length + at : at;
  changed[place] = (changed[place] ?? 0) ^ 0x10;
  return changed;
}

function pax(...records: readonly string[]): Member {
  const text = records.map((record) => {
    const length = record.length + 2;
    return `${length + String(length + String(length).length).length} ${record}\n`;
  });
  return { path: './PaxHeaders/x', type: 'x', content: text.join('') };
}

const refused: readonly (readonly [code: string, what: string, bytes: Buffer, promised?: Buffer])[] = [
  // What the index promised
  ['deb/truncated', 'a package cut short', whole.subarray(0, -700), whole],
  ['deb/truncated', 'a package of which only the beginning is there', whole.subarray(0, 100), whole],
  ['deb/wrong-hash', 'a package that goes on', Buffer.concat([whole, Buffer.alloc(600)]), whole],
  [
    'deb/wrong-hash',
    'another package than the index promised',
    debOf([{ path: './a', content: 'b' }]),
    debOf([{ path: './a', content: 'c' }]),
  ],

  // ar
  ['deb/malformed', 'no bytes at all', Buffer.alloc(0)],
  ['deb/malformed', 'a page for people', Buffer.from('<html>not found</html>')],
  ['deb/malformed', 'an ar archive without members', Buffer.from('!<arch>\n')],
  ['deb/malformed', 'half a header', Buffer.concat([whole.subarray(0, 30)])],
  ['deb/malformed', 'a damaged header', Buffer.concat([whole.subarray(0, 66), Buffer.from('XX'), whole.subarray(68)])],
  [
    'deb/malformed',
    'a size that is no number',
    arOf([['debian-binary', Buffer.from('2.0\n'), 'four'], controlPart, dataPart]),
  ],
  [
    'deb/malformed',
    'a size below nothing',
    arOf([['debian-binary', Buffer.from('2.0\n'), '-4'], controlPart, dataPart]),
  ],
  ['deb/malformed', 'a size beyond the end', arOf([binary, ['control.tar', controlPart[1], '9999999999'], dataPart])],
  ['deb/malformed', 'a size that is too small', arOf([binary, ['control.tar', controlPart[1], '100'], dataPart])],
  [
    'deb/malformed',
    'a format version that never ends',
    arOf([['debian-binary', Buffer.alloc(5000, '2')], controlPart, dataPart]),
  ],
  ['deb/malformed', 'format 3', arOf([['debian-binary', Buffer.from('3.0\n')], controlPart, dataPart])],
  ['deb/malformed', 'no format', arOf([controlPart, dataPart])],
  ['deb/malformed', 'no control archive', arOf([binary, dataPart])],
  ['deb/malformed', 'the data before the control archive', arOf([binary, dataPart, controlPart])],
  ['deb/malformed', 'no data', arOf([binary, controlPart])],
  [
    'deb/malformed',
    'a control archive of an unknown kind',
    arOf([binary, ['control.tar.lz', controlPart[1]], dataPart]),
  ],
  ['deb/unsupported', 'data of an unknown kind', withData('data.tar.lzma', dataTar)],
  ['deb/unsupported', 'a member between', arOf([binary, controlPart, ['extra', Buffer.from('x')], dataPart])],

  // Compression
  ...(['xz', 'gz', 'zst'] as const).flatMap((ending): (readonly [string, string, Buffer])[] => {
    const pack = { xz: (bytes: Buffer) => xz(bytes), gz: gzipSync, zst: zstdCompressSync }[ending];
    const packed = pack(dataTar);
    const name = `data.tar.${ending}`;
    return [
      ['deb/malformed', `${name} that is cut short`, withData(name, packed.subarray(0, -20))],
      ['deb/malformed', `${name} of which half is there`, withData(name, packed.subarray(0, packed.length >> 1))],
      ['deb/malformed', `${name} that is plain`, withData(name, dataTar)],
      ['deb/malformed', `${name} that is empty`, withData(name, Buffer.alloc(0))],
      ['deb/malformed', `${name} with a changed beginning`, withData(name, flipped(packed, 1))],
      ['deb/malformed', `${name} that holds no tar`, withData(name, pack(Buffer.alloc(5000, 'x')))],
    ];
  }),
  ['deb/malformed', 'data.tar.xz with a changed middle', withData('data.tar.xz', flipped(xz(dataTar), 60))],
  ['deb/malformed', 'data.tar.xz with a changed check', withData('data.tar.xz', flipped(xz(dataTar), -30))],
  ['deb/malformed', 'data.tar.gz with a changed sum', withData('data.tar.gz', flipped(gzipSync(dataTar), -6))],
  ['deb/malformed', 'data.tar.xz named gz', withData('data.tar.gz', xz(dataTar))],
  [
    'deb/malformed',
    'a control archive that is damaged',
    arOf([binary, ['control.tar.gz', flipped(gzipSync(controlPart[1]), 30)], dataPart]),
  ],

  // tar
  ['deb/malformed', 'a tar without an end', withData('data.tar', dataTar.subarray(0, -1024))],
  ['deb/malformed', 'a tar that ends in a file', withData('data.tar', dataTar.subarray(0, 1024))],
  ['deb/malformed', 'a tar with a wrong sum', debOf([{ path: './a', damage: (header) => header.write('b', 2) }])],
  ['deb/malformed', 'a size that is no octal number', debOf([{ path: './a', size: '0000000008x\0' }])],
  [
    'deb/malformed',
    'a size that is too big for a number',
    debOf([{ path: './a', size: '\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' }]),
  ],
  ['deb/malformed', 'a size beyond the end', debOf([{ path: './a', size: '00000777777\0' }])],
  ['deb/malformed', 'a large size beyond the end', debOf([{ path: './a', size: '00077777777\0' }])],
  ['deb/unsafe', 'a file of gigabytes', debOf([{ path: './a', size: '77777777777\0' }])],
  [
    'deb/malformed',
    'a long name that never ends',
    debOf([{ path: '././@LongLink', type: 'L', size: '77777777777\0' }]),
  ],
  [
    'deb/malformed',
    'a pax record without a length',
    debOf([{ path: './P', type: 'x', content: 'path=a\n' }, ...plain]),
  ],
  [
    'deb/malformed',
    'a pax record that is too long',
    debOf([{ path: './P', type: 'x', content: '99 path=a\n' }, ...plain]),
  ],
  ['deb/unsafe', 'a pax size below nothing', debOf([pax('size=-1'), ...plain])],
  ['deb/unsafe', 'a pax size that is no number', debOf([pax('size=many'), ...plain])],

  // Paths
  ['deb/unsafe', 'a path that leaves the tree', debOf([{ path: './../../etc/passwd', content: 'x' }])],
  ['deb/unsafe', 'a path that leaves the tree inside', debOf([{ path: './usr/../../etc/passwd', content: 'x' }])],
  ['deb/unsafe', 'an absolute path', debOf([{ path: '/etc/passwd', content: 'x' }])],
  ['deb/unsafe', 'a path with two slashes', debOf([{ path: './etc//passwd', content: 'x' }])],
  ['deb/unsafe', 'a path of dots', debOf([{ path: '..', content: 'x' }])],
  [
    'deb/unsafe',
    'a long name that leaves the tree',
    debOf([{ path: '././@LongLink', type: 'L', content: './../../etc/passwd\0' }, ...plain]),
  ],
  ['deb/unsafe', 'a pax path that leaves the tree', debOf([pax('path=../../etc/passwd'), ...plain])],
  ['deb/unsafe', 'a pax path with a NUL', debOf([pax('path=a\0b'), ...plain])],
  ['deb/unsafe', 'a name of 300 signs', debOf([pax(`path=./${'x'.repeat(300)}`), ...plain])],
  ['deb/unsafe', 'a path of 5,000 signs', debOf([pax(`path=./${'abc/'.repeat(1250)}x`), ...plain])],
  [
    'deb/unsafe',
    'a file below a link of the same package',
    debOf([
      { path: './a', type: '2', target: '/etc' },
      { path: './a/passwd', content: 'x' },
    ]),
  ],
  [
    'deb/unsafe',
    'a file far below a link of the same package',
    debOf([
      { path: './a', type: '2', target: '/etc' },
      { path: './a/b/c', content: 'x' },
    ]),
  ],
  [
    'deb/unsafe',
    'a file below a file',
    debOf([
      { path: './a', content: 'x' },
      { path: './a/b', content: 'x' },
    ]),
  ],
  [
    'deb/unsafe',
    'a file that is there twice',
    debOf([
      { path: './a', content: 'x' },
      { path: './a', content: 'y' },
    ]),
  ],
  [
    'deb/unsafe',
    'a file that is there twice in a merged /usr',
    debOf([
      { path: './bin/a', content: 'x' },
      { path: './usr/bin/a', content: 'y' },
    ]),
  ],
  [
    'deb/unsafe',
    'a folder that is a file too',
    debOf([
      { path: './a/', type: '5' },
      { path: './a', content: 'y' },
    ]),
  ],

  // Kinds of entries
  ['deb/unsafe', 'a hard link to nothing', debOf([{ path: './a', type: '1', target: './b' }])],
  ['deb/unsafe', 'a hard link out of the tree', debOf([{ path: './a', type: '1', target: '../../etc/shadow' }])],
  ['deb/unsafe', 'a hard link to an absolute path', debOf([{ path: './a', type: '1', target: '/etc/shadow' }])],
  [
    'deb/unsafe',
    'a hard link to a link',
    debOf([
      { path: './b', type: '2', target: '/etc/shadow' },
      { path: './a', type: '1', target: './b' },
    ]),
  ],
  ['deb/unsafe', 'a hard link to itself', debOf([{ path: './a', type: '1', target: './a' }])],
  ['deb/unsafe', 'a link to nothing', debOf([{ path: './a', type: '2', target: '' }])],
  ['deb/unsafe', 'a character device', debOf([{ path: './dev/mem', type: '3' }])],
  ['deb/unsafe', 'a block device', debOf([{ path: './dev/sda', type: '4' }])],
  ['deb/unsafe', 'a pipe', debOf([{ path: './p', type: '6' }])],
  ['deb/unsafe', 'a sparse file of GNU', debOf([{ path: './s', type: 'S' }])],
  ['deb/unsafe', 'an entry of an unknown kind', debOf([{ path: './u', type: 'Z' }])],

  // Control
  [
    'deb/malformed',
    'no control file',
    arOf([binary, ['control.tar', tarOf([{ path: './postinst', content: '' }])], dataPart]),
  ],
  [
    'deb/malformed',
    'a control archive without an end',
    arOf([binary, ['control.tar', controlPart[1].subarray(0, 1024)], dataPart]),
  ],
  ['deb/malformed', 'another name than in the index', withControl(control.replace('Package: x', 'Package: y'))],
  ['deb/malformed', 'another version than in the index', withControl(control.replace('Version: 1', 'Version: 2'))],
  ['deb/malformed', 'an empty control file', withControl('')],
  ['control/syntax', 'a control file that is none', withControl('hello\n')],
  ['control/syntax', 'a field twice', withControl(`${control}Package: x\n`)],
  ['control/syntax', 'a field that continues nothing', withControl(` x\n${control}`)],
  ['deb/malformed', 'a control member twice', debOf(plain, [{ path: './control', content: control }])],
  ['deb/malformed', 'a control member with a path', debOf(plain, [{ path: './../x', content: 'x' }])],
  [
    'deb/malformed',
    'a control member that is a link',
    debOf(plain, [{ path: './postinst', type: '2', target: '/bin/sh' }]),
  ],
  ['deb/malformed', 'a control archive of gigabytes', debOf(plain, [{ path: './templates', size: '77777777777\0' }])],
];

for (const [code, what, bytes, promised] of refused) {
  test(`refused as ${code}: ${what}`, async () => {
    await assert.rejects(read(bytes, promised), (thrown) => {
      assert.ok(isFault(thrown), String(thrown instanceof Error ? thrown.stack : thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.ok(thrown.hint.length > 10, 'it says what to do');
      return true;
    });
  });
}

const accepted: readonly (readonly [what: string, deb: Buffer, path: string, holds: string, mode: number])[] = [
  [
    'a set-user-id program, which stays one as dpkg has it',
    debOf([{ path: './usr/bin/su', content: 's', mode: 0o4755 }]),
    'usr/bin/su',
    's',
    0o4755,
  ],
  [
    'a folder with a sticky bit',
    debOf([{ path: './var/tmp/', type: '5', mode: 0o1777 }]),
    'var/tmp',
    'directory',
    0o1777,
  ],
  [
    'a link out of the tree, which is a link in the image',
    debOf([{ path: './usr/share/l', type: '2', target: '../../../../etc' }]),
    'usr/share/l',
    'symlink ../../../../etc',
    0o777,
  ],
  [
    'a folder that is there twice',
    debOf([
      { path: './a/', type: '5' },
      { path: './a/', type: '5' },
      { path: './a/b', content: 'b' },
    ]),
    'a/b',
    'b',
    0o644,
  ],
  ['a file whose folder is not listed', debOf([{ path: './a/b/c', content: 'c' }]), 'a/b/c', 'c', 0o644],
  ['a path without a dot before it', debOf([{ path: 'a', content: 'c' }]), 'a', 'c', 0o644],
  [
    'a name of GNU',
    debOf([
      { path: '././@LongLink', type: 'L', content: `./${'n'.repeat(200)}\0` },
      { path: './n', content: 'c' },
    ]),
    'n'.repeat(200),
    'c',
    0o644,
  ],
  [
    'a name of pax',
    debOf([pax(`path=./${'é'.repeat(60)}`.replaceAll('é', 'ee')), ...plain]),
    'e'.repeat(120),
    'a',
    0o644,
  ],
  [
    'a member that only others read',
    arOf([binary, controlPart, ['_gpgbuilder', Buffer.from('x')], dataPart]),
    'usr/share/a',
    'a',
    0o644,
  ],
  [
    'a signature behind the data',
    arOf([binary, controlPart, dataPart, ['_gpgorigin', Buffer.from('x')]]),
    'usr/share/a',
    'a',
    0o644,
  ],
  [
    'xz of many blocks',
    withData('data.tar.xz', xz(dataTar, '--block-size=10000')),
    'usr/share/a',
    Buffer.alloc(200_000, 'abcdefg').toString(),
    0o644,
  ],
  [
    'xz of two streams',
    withData('data.tar.xz', Buffer.concat([xz(dataTar.subarray(0, 512)), xz(dataTar.subarray(512))])),
    'usr/share/a',
    Buffer.alloc(200_000, 'abcdefg').toString(),
    0o644,
  ],
  [
    'gzip of two members',
    withData('data.tar.gz', Buffer.concat([gzipSync(dataTar.subarray(0, 512)), gzipSync(dataTar.subarray(512))])),
    'usr/share/a',
    Buffer.alloc(200_000, 'abcdefg').toString(),
    0o644,
  ],
];

for (const [what, deb, path, holds, mode] of accepted) {
  test(`read: ${what}`, async () => {
    const { found, modes } = await read(deb);
    assert.equal(found.get(path), holds);
    assert.equal(modes.get(path), mode);
  });
}

test('a package that ends anywhere but at its end is refused', async () => {
  for (let length = 0; length < whole.length; length += 97) {
    await assert.rejects(read(whole.subarray(0, length), whole), (thrown) => isFault(thrown), `after ${length} bytes`);
  }
});

test('after all these the next package is read', async () => {
  const { found } = await read(withData('data.tar.xz', xz(dataTar)));
  const sum = createHash('sha256')
    .update(found.get('usr/share/a') ?? '')
    .digest('hex');
  assert.equal(sum, createHash('sha256').update(Buffer.alloc(200_000, 'abcdefg')).digest('hex'));
});
