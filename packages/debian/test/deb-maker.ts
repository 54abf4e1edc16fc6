import { createHash } from 'node:crypto';
import { readDeb } from '../src/index.ts';

/** A member of a tar that a test makes; all of it can be made wrong on purpose. */
export type Member = {
  readonly path: string;
  readonly type?: string;
  readonly target?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  /** The size as it is written down, where it is not that of the content. */
  readonly size?: string;
  readonly owner?: string;
  /** Changes the header after its sum was made. */
  readonly damage?: (header: Buffer) => void;
};

/** A tar as hostile tools write them: nothing is checked. */
export function tarOf(members: readonly Member[], end = Buffer.alloc(1024)): Buffer {
  const blocks: Buffer[] = [];
  for (const {
    path,
    type = '0',
    target = '',
    content = '',
    mode = 0o644,
    size,
    owner = '0000000\0',
    damage,
  } of members) {
    const bytes = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(path, 0, 100);
    header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
    header.write(owner, 108, 'latin1');
    header.write('0000000\0', 116);
    header.write(size ?? `${bytes.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
    header.write('00000000001\0', 136);
    header.write(type, 156, 'latin1');
    header.write(target, 157, 100);
    header.write('ustar  \0', 257);
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    damage?.(header);
    const body = Buffer.alloc(Math.ceil(bytes.length / 512) * 512);
    bytes.copy(body);
    blocks.push(header, body);
  }
  return Buffer.concat([...blocks, end]);
}

/** A member of an ar archive: its name, its bytes, and its size where another one is written down. */
export type ArPart = readonly [name: string, bytes: Buffer, size?: string];

/** An ar archive. */
export function arOf(members: readonly ArPart[]): Buffer {
  const parts = members.flatMap(([name, bytes, size = `${bytes.length}`]) => [
    Buffer.from(
      `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${size.padEnd(10)}\`\n`,
    ),
    bytes,
    Buffer.alloc(bytes.length % 2, '\n'),
  ]);
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

/** The control file of the package that all tests read. */
export const control = 'Package: x\nVersion: 1\nArchitecture: amd64\nDescription: x\n';

/** The three members of a .deb, uncompressed. */
export function partsOf(data: readonly Member[], members: readonly Member[] = []): readonly [ArPart, ArPart, ArPart] {
  return [
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar', tarOf([{ path: './control', content: control }, ...members])],
    ['data.tar', tarOf(data)],
  ];
}

/** A .deb that is not compressed. */
export function debOf(data: readonly Member[], members: readonly Member[] = []): Buffer {
  return arOf(partsOf(data, members));
}

/** Reads a .deb that the index promised to be `expected`: what lies at each path, and the facts. */
export async function read(bytes: Buffer, expected: Buffer = bytes, pieceBytes = 777) {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const sha256 = createHash('sha256').update(expected).digest('hex');
  const { entries, facts } = readDeb(pieces(), {
    package: { name: 'x', version: '1', sha256, sizeBytes: expected.length },
    mergedUsr: true,
  });
  const found = new Map<string, string>();
  const modes = new Map<string, number>();
  for await (const entry of entries) {
    let text = entry.type === 'symlink' || entry.type === 'hardlink' ? `${entry.type} ${entry.target}` : entry.type;
    if (entry.type === 'file' && entry.content.kind === 'bytes')
      text = Buffer.from(entry.content.bytes).toString('latin1');
    if (entry.type === 'file' && entry.content.kind === 'stream') {
      const hash = createHash('md5');
      for await (const chunk of entry.content.chunks) hash.update(chunk);
      text = hash.digest('hex');
    }
    found.set(entry.path, text);
    modes.set(entry.path, entry.mode);
  }
  return { found, modes, facts: await facts };
}
