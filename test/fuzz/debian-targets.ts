import { createHash } from 'node:crypto';
import { packContents } from '../../packages/debian/src/archive/contents.ts';
import { PackageIndex, packPackages } from '../../packages/debian/src/archive/package-index.ts';
import { parseRelease, readInRelease } from '../../packages/debian/src/archive/release.ts';
import { SortedTable } from '../../packages/debian/src/archive/sorted-table.ts';
import { runScript } from '../../packages/debian/src/configuration/script-runner.ts';
import { formatParagraph, parseControl } from '../../packages/debian/src/control/control.ts';
import { formatDependencies, parseDependencies } from '../../packages/debian/src/control/dependency.ts';
import { readDeb } from '../../packages/debian/src/deb/deb.ts';
import { decompressed } from '../../packages/debian/src/deb/decompression.ts';
import { sonameOf } from '../../packages/debian/src/deb/elf.ts';
import { readLibraryCache } from '../../packages/debian/src/handlers/library-cache.ts';
import { subjectHash } from '../../packages/debian/src/handlers/subject-hash.ts';
import { VirtualTree } from '../../packages/debian/src/tree/virtual-tree.ts';
import { compareVersions } from '../../packages/debian/src/version/version.ts';
import { exhaust, type FuzzTarget, inPieces, withTarSums, writeLayer } from './target.ts';

const url = 'https://archive.example/x';
const control = 'Package: x\nVersion: 1\nArchitecture: amd64\nDescription: x\n';

export const debianTargets: readonly FuzzTarget[] = [
  {
    name: 'deb',
    parse: readWhole,
    repaired: withTarSums,
    words: ['!<arch>\n', 'control.tar', 'data.tar', '.xz', '.zst', '.gz', 'debian-binary', '`\n'],
  },
  { name: 'deb-data', parse: (tar) => readWhole(debOf(controlTar(), tar)), repaired: withTarSums, words: tarWords() },
  {
    name: 'deb-control',
    parse: (tar) => readWhole(debOf(tar, Buffer.alloc(1024))),
    repaired: withTarSums,
    words: tarWords(),
  },
  ...(['xz', 'gz', 'zst'] as const).map((ending) => ({
    name: ending,
    parse: (input: Buffer) => exhaust(decompressed(inPieces(input), `x.${ending}`)),
  })),
  {
    name: 'deb822',
    parse: (input) => {
      for (const paragraph of parseControl(text(input))) parseControl(formatParagraph(paragraph));
    },
    words: ['Package:', '\n ', '\n\n', '#', ': ', '\t', ' .\n'],
  },
  {
    name: 'dependencies',
    parse: (input) => parseDependencies(formatDependencies(parseDependencies(text(input)))),
    words: [' | ', ', ', ':any', '(>= 1)', '[amd64]', '<!nocheck>', '(', ')'],
  },
  {
    name: 'packages',
    parse: async (input) => {
      const pieces: Buffer[] = [];
      for await (const piece of packPackages(inPieces(input), url)) pieces.push(Buffer.from(piece));
      const packed = Buffer.concat(pieces);
      const read = (offset: number, size: number) => packed.subarray(offset, offset + size);
      const index = PackageIndex.of({ sizeBytes: packed.length, read }, url);
      for (const name of index?.names() ?? []) index?.named(name);
      index?.essential();
      index?.required();
    },
    words: ['Package: ', '\n\n', 'Filename: ', 'SHA256: ', 'Depends: ', 'Provides: ', '\u001f', 'Size: ', '(= 1)'],
  },
  {
    name: 'release',
    parse: (input) => parseRelease(text(input), url),
    words: ['SHA256:', '\n ', 'Date: ', 'Valid-Until: ', 'Acquire-By-Hash: yes'],
  },
  {
    name: 'in-release',
    parse: (input) => readInRelease(text(input), { keys: [], url, now: new Date(0) }),
    words: [
      '-----BEGIN PGP SIGNED MESSAGE-----\n',
      '-----BEGIN PGP SIGNATURE-----\n',
      'Hash: SHA256\n',
      '- ',
      '\n\n',
      '=abcd',
    ],
  },
  {
    name: 'contents',
    parse: async (input) => {
      const table = new SortedTable(await packContents(inPieces(input)));
      for (const library of table.keys()) table.valuesOf(library);
    },
    words: ['usr/lib/', '.so', ',', ' ', 'libs/'],
  },
  {
    name: 'debian-version',
    parse: (input) => {
      const [one = '', other = ''] = text(input).split('\n');
      if (Math.sign(compareVersions(one, other)) !== -Math.sign(compareVersions(other, one)))
        throw new Error('the order depends on which comes first');
    },
    words: ['~', ':', '-', '+', '.', '0', '00', 'a'],
  },
  {
    name: 'shell',
    parse: (input) => {
      const tree = new VirtualTree();
      for (const folder of ['usr/bin', 'etc', 'var/lib/dpkg', 'tmp']) tree.makeDirectory(folder);
      const members = { postinst: `#!/bin/sh\n${text(input)}` };
      return runScript(tree, { name: 'x', architecture: 'amd64', members }, 'postinst', ['configure', '']);
    },
    words: [
      'if ',
      '; then ',
      '; fi\n',
      'while ',
      '; do ',
      '; done\n',
      'case x in ',
      ' esac\n',
      '$(',
      ')',
      '$((',
      '))',
      '${x',
      '%%*',
      '}',
      '"',
      "'",
      '`',
      '<<E\n',
      'f() { ',
      ' }\n',
      'eval ',
      'set -e\n',
      'printf "%s" ',
      'sed "s/a*/b/g"',
      'grep -E "(a|b)*"',
      '| tr a-z A-Z',
      'x="$x$x"\n',
      '[ -n "$x" ]',
      ' && ',
      ' || ',
      '> /etc/y',
    ],
  },
  { name: 'soname', parse: sonameOf },
  { name: 'library-cache', parse: readLibraryCache },
  { name: 'certificate', parse: subjectHash },
];

async function readWhole(deb: Buffer): Promise<void> {
  const sha256 = createHash('sha256').update(deb).digest('hex');
  const { entries, facts } = readDeb(inPieces(deb), {
    package: { name: 'x', version: '1', sha256, sizeBytes: deb.length },
    mergedUsr: true,
  });
  if ((await writeLayer(entries)) === 'whole') await facts;
}

function debOf(controlMember: Buffer, data: Buffer): Buffer {
  const members: readonly (readonly [string, Buffer])[] = [
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar', controlMember],
    ['data.tar', data],
  ];
  const parts = members.flatMap(([name, bytes]) => [
    Buffer.from(`${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`),
    Buffer.from(`${String(bytes.length).padEnd(10)}\`\n`),
    bytes,
    Buffer.alloc(bytes.length % 2, '\n'),
  ]);
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

function controlTar(): Buffer {
  const header = Buffer.alloc(512);
  header.write('./control', 0);
  header.write('0000644\0', 100);
  header.write(`${control.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('0', 156);
  header.write('ustar  \0', 257);
  const body = Buffer.alloc(512);
  body.write(control);
  return withTarSums(Buffer.concat([header, body, Buffer.alloc(1024)]));
}

function tarWords(): readonly string[] {
  return ['ustar\u000000', './', '../', '11 path=a/b\n', '20 size=99999999999\n', 'SCHILY.xattr.x=', '././@LongLink'];
}

function text(input: Buffer): string {
  return input.toString('utf8');
}
