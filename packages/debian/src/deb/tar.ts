import { type ByteReader, UnexpectedEnd } from './byte-reader.ts';

/** The header of a tar member, names and sizes of pax and GNU extensions applied. */
export type TarHeader = {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  readonly typeFlag: string;
  readonly target: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly xattrs: Readonly<Record<string, Uint8Array>>;
};

/** Thrown for a header that cannot be; callers know the file's name and make a fault of it. */
export class MalformedTar extends Error {}

const longNameLimitBytes = 1 << 20;
const typesByFlag: Readonly<Record<string, TarHeader['type']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
};

/**
 * The next member's header (POSIX ustar, pax and GNU tar); `undefined` at the end. The reader then stands before its
 * contents, {@link TarHeader.sizeBytes} long and padded to 512.
 * @throws {@link MalformedTar}, `UnexpectedEnd`
 */
export async function nextTarHeader(reader: ByteReader): Promise<TarHeader | undefined> {
  let longName: string | undefined;
  let longTarget: string | undefined;
  let pax: ReadonlyMap<string, Buffer> = new Map();
  for (;;) {
    const block = reader.ready(512) ?? (await firstOrLast(reader));
    if (block === undefined || isZero(block)) return undefined;
    const base = parseHeader(block);
    if (base.typeFlag === 'L' || base.typeFlag === 'K' || base.typeFlag === 'x' || base.typeFlag === 'g') {
      if (base.sizeBytes > longNameLimitBytes) throw new MalformedTar('the name of a member is too long');
      const content = (await reader.take(paddedSize(base.sizeBytes))).subarray(0, base.sizeBytes);
      if (base.typeFlag === 'L') longName = textUntilNull(content);
      else if (base.typeFlag === 'K') longTarget = textUntilNull(content);
      else if (base.typeFlag === 'x') pax = paxRecords(content);
      continue;
    }
    return {
      ...base,
      path: pax.get('path')?.toString() ?? longName ?? base.path,
      target: pax.get('linkpath')?.toString() ?? longTarget ?? base.target,
      sizeBytes: Number(pax.get('size')?.toString() ?? base.sizeBytes),
      mtimeSeconds: Math.floor(Number(pax.get('mtime')?.toString() ?? base.mtimeSeconds)),
      xattrs: xattrsOf(pax),
    };
  }
}

/** A size rounded up to whole blocks. */
export function paddedSize(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 512) * 512;
}

async function firstOrLast(reader: ByteReader): Promise<Buffer | undefined> {
  const first = await reader.piece(512);
  if (first === undefined) throw new UnexpectedEnd(); // a tar ends with a block of zeros, not just so
  return first.length === 512 ? first : Buffer.concat([Buffer.from(first), await reader.take(512 - first.length)]);
}

function parseHeader(block: Buffer): TarHeader {
  let sum = 256;
  for (let i = 0; i < 512; i += 1) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  if (numberAt(block, 148, 8) !== sum) throw new MalformedTar('a tar header has a wrong checksum');
  const posix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = posix ? textUntilNull(block.subarray(345, 500)) : '';
  const name = textUntilNull(block.subarray(0, 100));
  const typeFlag = String.fromCharCode(block[156] ?? 0);
  const type = typesByFlag[typeFlag] ?? 'other';
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    type: type === 'file' && typeFlag !== '7' && name.endsWith('/') ? 'directory' : type,
    typeFlag,
    target: textUntilNull(block.subarray(157, 257)),
    mode: numberAt(block, 100, 8) & 0o7777,
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    userName: textUntilNull(block.subarray(265, 297)),
    groupName: textUntilNull(block.subarray(297, 329)),
    sizeBytes: numberAt(block, 124, 12),
    mtimeSeconds: numberAt(block, 136, 12),
    xattrs: {},
  };
}

/** Octal digits, or GNU's binary numbers with the highest bit set. */
function numberAt(block: Buffer, offset: number, length: number): number {
  if (((block[offset] ?? 0) & 0x80) !== 0) {
    const value = block.readUIntBE(offset + length - 6, 6);
    if (block.subarray(offset + 1, offset + length - 6).some((byte) => byte !== 0)) {
      throw new MalformedTar('a tar header has a number that is too big');
    }
    return value;
  }
  const text = block
    .toString('latin1', offset, offset + length)
    .replace(/[\0 ]+$/, '')
    .trim();
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw new MalformedTar('a tar header has a number that is none');
  return Number.parseInt(text, 8);
}

function textUntilNull(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.every((byte) => byte === 0);
}

function paxRecords(content: Buffer): ReadonlyMap<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, blank));
    const equals = content.indexOf(0x3d, blank);
    if (blank < 0 || equals < 0 || !Number.isInteger(length) || length < 5 || at + length > content.length) {
      throw new MalformedTar('a pax record is damaged');
    }
    records.set(content.toString('utf8', blank + 1, equals), content.subarray(equals + 1, at + length - 1));
    at += length;
  }
  return records;
}

const xattrPrefix = 'SCHILY.xattr.';

function xattrsOf(pax: ReadonlyMap<string, Buffer>): Readonly<Record<string, Uint8Array>> {
  const found = [...pax].filter(([name]) => name.startsWith(xattrPrefix));
  return Object.fromEntries(found.map(([name, value]) => [name.slice(xattrPrefix.length), Buffer.from(value)]));
}
