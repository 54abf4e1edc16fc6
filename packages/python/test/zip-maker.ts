import { createHash } from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';

/** A file for a wheel that a test makes; everything but name and text can be made wrong on purpose. */
export type MadeFile = {
  readonly name: string;
  readonly text: string | Uint8Array;
  readonly localName?: string;
  readonly method?: number;
  readonly flags?: number;
  readonly unixMode?: number;
  readonly crc32?: number;
  readonly sizeBytes?: number;
  readonly junkAfter?: Uint8Array;
  readonly descriptor?: boolean;
  readonly deflated?: Uint8Array;
  readonly offsetBytes?: number;
};

/** A zip, byte by byte. */
export function makeZip(files: readonly MadeFile[], zip64 = false): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const add = (part: Buffer) => {
    parts.push(part);
    at += part.length;
  };
  for (const file of files) {
    const bytes = Buffer.from(file.text);
    const method = file.method ?? 8;
    const data = Buffer.from(file.deflated ?? (method === 8 ? deflateRawSync(bytes) : bytes));
    const sum = file.crc32 ?? crc32(bytes);
    const size = file.sizeBytes ?? bytes.length;
    const flags = (file.flags ?? 0x800) | (file.descriptor === true ? 8 : 0);
    const offset = file.offsetBytes ?? at;
    const localName = Buffer.from(file.localName ?? file.name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(flags, 6);
    local.writeUInt16LE(method, 8);
    if (file.descriptor !== true) {
      local.writeUInt32LE(sum, 14);
      local.writeUInt32LE(data.length, 18);
      local.writeUInt32LE(size, 22);
    }
    local.writeUInt16LE(localName.length, 26);
    add(Buffer.concat([local, localName, data]));
    if (file.descriptor === true) {
      const descriptor = Buffer.alloc(16);
      descriptor.writeUInt32LE(0x08074b50, 0);
      descriptor.writeUInt32LE(sum, 4);
      descriptor.writeUInt32LE(data.length, 8);
      descriptor.writeUInt32LE(size, 12);
      add(descriptor);
    }
    if (file.junkAfter !== undefined) add(Buffer.from(file.junkAfter));
    const name = Buffer.from(file.name);
    const extra = zip64 ? zip64Extra(size, data.length, offset) : Buffer.alloc(0);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(20, 6);
    central.writeUInt16LE(flags, 8);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(sum, 16);
    central.writeUInt32LE(zip64 ? 0xffffffff : data.length, 20);
    central.writeUInt32LE(zip64 ? 0xffffffff : size, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE(((file.unixMode ?? 0o100644) << 16) >>> 0, 38);
    central.writeUInt32LE(zip64 ? 0xffffffff : offset, 42);
    directory.push(Buffer.concat([central, name, extra]));
  }
  const start = at;
  for (const record of directory) add(record);
  if (zip64) add(zip64End(files.length, at - start, start, at));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip64 ? 0xffff : files.length, 8);
  end.writeUInt16LE(zip64 ? 0xffff : files.length, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : at - start, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : start, 16);
  return Buffer.concat([...parts, end]);
}

/** The files of a sound wheel `demo 1.0`, with more of its own or other ones in place of the usual. */
export function wheelFiles(
  files: readonly MadeFile[],
  replaced: Readonly<Record<string, string>> = {},
): readonly MadeFile[] {
  const info = 'demo-1.0.dist-info';
  const all: MadeFile[] = [
    ...files,
    {
      name: `${info}/METADATA`,
      text:
        replaced['METADATA'] ??
        'Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: six>=1\nRequires-Python: >=3.8\n\nName: not this\n',
    },
    {
      name: `${info}/WHEEL`,
      text: replaced['WHEEL'] ?? 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    },
    ...(replaced['entry_points.txt'] === undefined
      ? []
      : [{ name: `${info}/entry_points.txt`, text: replaced['entry_points.txt'] }]),
  ];
  const rows = all
    .filter(({ name }) => !name.endsWith('/'))
    .map(({ name, text }) => {
      const bytes = Buffer.from(text);
      return `${/[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name},sha256=${createHash('sha256').update(bytes).digest('base64url')},${bytes.length}\n`;
    });
  return [...all, { name: `${info}/RECORD`, text: replaced['RECORD'] ?? `${rows.join('')}${info}/RECORD,,\n` }];
}

function zip64Extra(size: number, compressed: number, offset: number): Buffer {
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  extra.writeBigUInt64LE(BigInt(size), 4);
  extra.writeBigUInt64LE(BigInt(compressed), 12);
  extra.writeBigUInt64LE(BigInt(offset), 20);
  return extra;
}

function zip64End(count: number, size: number, start: number, at: number): Buffer {
  const end = Buffer.alloc(76);
  end.writeUInt32LE(0x06064b50, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeBigUInt64LE(BigInt(count), 24);
  end.writeBigUInt64LE(BigInt(count), 32);
  end.writeBigUInt64LE(BigInt(size), 40);
  end.writeBigUInt64LE(BigInt(start), 48);
  end.writeUInt32LE(0x07064b50, 56);
  end.writeBigUInt64LE(BigInt(at), 64);
  end.writeUInt32LE(1, 72);
  return end;
}
