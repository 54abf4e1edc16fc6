import { createHash } from 'node:crypto';
import { pythonFault } from '../fault.ts';
import type { WheelSource } from './source.ts';

/** One entry of a zip's central directory. */
export type ZipEntry = {
  readonly name: string;
  readonly method: 'stored' | 'deflated';
  readonly compressedSizeBytes: number;
  readonly sizeBytes: number;
  readonly crc32: number;
  /** Where its local header starts. */
  readonly offsetBytes: number;
  /** Where the next local header, or the central directory, starts. */
  readonly endBytes: number;
  /** General purpose bit flags; the local header must say the same. */
  readonly flags: number;
  /** The Unix mode that the zip was written with, 0 where there is none. */
  readonly unixMode: number;
};

/** What a zip says of itself at its end. Entries are in their physical order. */
export type ZipDirectory = {
  readonly entries: readonly ZipEntry[];
  readonly offsetBytes: number;
  readonly endBytes: number;
  /** Of the central directory's bytes, to compare with those that the whole file has. */
  readonly sha256: string;
};

export const dataDescriptorFlag = 0x0008;
const encryptedFlags = 0x0001 | 0x0040 | 0x2000;
const utf8Flag = 0x0800;

const endRecordBytes = 22;
const maximalCommentBytes = 0xffff;
const firstTailBytes = 128 * 1024;
const maximalDirectoryBytes = 256 * 1024 * 1024;
const maximalEntries = 500_000;
const maximalEntryRatio = 250;
const maximalTotalRatio = 200;
const alwaysAllowedBytes = 512 * 1024 * 1024;
/** What file systems can hold (NAME_MAX, and PATH_MAX less the environment's own folders). */
const longestNameBytes = 255;
const longestPathBytes = 3_800;
const maximalTotalBytes = 64 * 1024 ** 3;

/**
 * Reads a zip's central directory from its tail (APPNOTE 4.3, zip64 included) and refuses what no wheel needs:
 * unsafe paths, links, duplicates, encryption, other methods than deflate, overlaps, gaps, bombs.
 *
 * @throws Fault `wheel/not-a-zip`, `wheel/truncated`, `wheel/unsupported`, `wheel/encrypted`, `wheel/unsafe-path`,
 *   `wheel/link`, `wheel/duplicate`, `wheel/overlap`, `wheel/bomb`
 */
export async function readZipDirectory(source: WheelSource, filename: string): Promise<ZipDirectory> {
  const tailBytes = Math.min(source.sizeBytes, firstTailBytes);
  const tailOffset = source.sizeBytes - tailBytes;
  const tail = bufferOf(await source.readAt(tailOffset, tailBytes));
  const end = await readEndRecord(source, filename, tail, tailOffset);
  if (end.offsetBytes + end.sizeBytes > end.startBytes) throw notAZip(filename, 'its directory lies outside of it');
  if (end.sizeBytes > maximalDirectoryBytes || end.count > maximalEntries) {
    throw bomb(
      filename,
      `its directory has ${end.sizeBytes} bytes for ${end.count} files; ${maximalEntries} files are allowed`,
    );
  }
  if (end.offsetBytes + end.sizeBytes !== end.startBytes) {
    throw overlap(filename, 'there are unexplained bytes behind its directory');
  }
  const bytes =
    end.offsetBytes >= tailOffset
      ? tail.subarray(end.offsetBytes - tailOffset, end.offsetBytes - tailOffset + end.sizeBytes)
      : bufferOf(await source.readAt(end.offsetBytes, end.sizeBytes));
  const entries = parseEntries(bytes, end.count, end.offsetBytes, filename);
  refuseBombs(entries, source.sizeBytes, filename);
  return {
    entries,
    offsetBytes: end.offsetBytes,
    endBytes: end.offsetBytes + end.sizeBytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

type EndRecord = {
  readonly count: number;
  readonly sizeBytes: number;
  readonly offsetBytes: number;
  readonly startBytes: number;
};

async function readEndRecord(
  source: WheelSource,
  filename: string,
  tail: Buffer,
  tailOffset: number,
): Promise<EndRecord> {
  const at = findEndRecord(tail);
  if (at === undefined) throw notAZip(filename, 'the end of a zip is missing');
  const disks = [tail.readUInt16LE(at + 4), tail.readUInt16LE(at + 6)];
  const count = tail.readUInt16LE(at + 10);
  const sizeBytes = tail.readUInt32LE(at + 12);
  const offsetBytes = tail.readUInt32LE(at + 16);
  const startBytes = tailOffset + at;
  if (count !== 0xffff && sizeBytes !== 0xffffffff && offsetBytes !== 0xffffffff) {
    if (disks.some((disk) => disk !== 0) || tail.readUInt16LE(at + 8) !== count)
      throw notAZip(filename, 'it is split in parts');
    return { count, sizeBytes, offsetBytes, startBytes };
  }
  if (startBytes < 20) throw notAZip(filename, 'its zip64 locator is missing');
  const locator = bufferOf(await source.readAt(startBytes - 20, 20));
  if (locator.readUInt32LE(0) !== 0x07064b50) {
    // 65535 entries or a 4 GiB offset without zip64 would be legal, but no wheel tool writes such.
    throw notAZip(filename, 'its zip64 locator is missing');
  }
  const zip64Offset = bigNumber(locator, 8);
  if (zip64Offset + 56 > startBytes - 20) throw notAZip(filename, 'its zip64 record lies outside of it');
  const record = bufferOf(await source.readAt(zip64Offset, 56));
  if (record.readUInt32LE(0) !== 0x06064b50 || zip64Offset + 12 + bigNumber(record, 4) !== startBytes - 20) {
    throw notAZip(filename, 'its zip64 record cannot be read');
  }
  return {
    count: bigNumber(record, 32),
    sizeBytes: bigNumber(record, 40),
    offsetBytes: bigNumber(record, 48),
    startBytes: zip64Offset,
  };
}

function findEndRecord(tail: Buffer): number | undefined {
  const lowest = Math.max(0, tail.length - endRecordBytes - maximalCommentBytes);
  for (let at = tail.length - endRecordBytes; at >= lowest; at--) {
    if (tail.readUInt32LE(at) === 0x06054b50 && at + endRecordBytes + tail.readUInt16LE(at + 20) === tail.length)
      return at;
  }
  return undefined;
}

function parseEntries(bytes: Buffer, count: number, directoryOffset: number, filename: string): readonly ZipEntry[] {
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50)
      throw notAZip(filename, 'its directory is damaged');
    const nameBytes = bytes.readUInt16LE(at + 28);
    const extraBytes = bytes.readUInt16LE(at + 30);
    const next = at + 46 + nameBytes + extraBytes + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) throw notAZip(filename, 'its directory is damaged');
    const entry = parseEntry(bytes.subarray(at, next), nameBytes, extraBytes, filename);
    const folded = entry.name.replace(/\/$/, '');
    if (names.has(folded)) {
      throw pythonFault('wheel/duplicate', {
        what: `${filename} holds "${entry.name}" twice, so that nobody can say which one counts`,
        subject: filename,
        hint: "Report it to the package's authors; another version may be sound.",
      });
    }
    names.add(folded);
    entries.push(entry);
    at = next;
  }
  if (at !== bytes.length) throw notAZip(filename, 'its directory is longer than its entries');
  return inPhysicalOrder(entries, directoryOffset, filename);
}

function parseEntry(record: Buffer, nameBytes: number, extraBytes: number, filename: string): ZipEntry {
  const flags = record.readUInt16LE(8);
  const method = record.readUInt16LE(10);
  const name = decodeName(record.subarray(46, 46 + nameBytes), (flags & utf8Flag) !== 0, filename);
  const sizes = zip64Sizes(record, record.subarray(46 + nameBytes, 46 + nameBytes + extraBytes), filename);
  const unixMode = record.readUInt32LE(38) >>> 16;
  refuseUnsafePath(name, filename);
  if ((unixMode & 0o170000) === 0o120000) {
    throw pythonFault('wheel/link', {
      what: `${filename} holds "${name}" as a symbolic link, which wheels cannot have`,
      subject: filename,
      hint: "Report it to the package's authors; another version may be sound.",
    });
  }
  if ((flags & encryptedFlags) !== 0) {
    throw pythonFault('wheel/encrypted', {
      what: `${filename} holds "${name}" encrypted`,
      subject: filename,
      hint: 'Wheels are not encrypted: take the file from the package index.',
    });
  }
  if (method !== 0 && method !== 8) {
    throw unsupported(filename, `"${name}" is compressed by method ${method}; wheels have deflate (8) or none (0)`);
  }
  if (method === 0 && sizes.compressedSizeBytes !== sizes.sizeBytes) {
    throw notAZip(filename, `"${name}" is not compressed but has two sizes`);
  }
  if (name.endsWith('/') && sizes.sizeBytes !== 0)
    throw notAZip(filename, `the folder "${name}" has contents of its own`);
  return {
    name,
    method: method === 0 ? 'stored' : 'deflated',
    ...sizes,
    crc32: record.readUInt32LE(16),
    endBytes: 0,
    flags,
    unixMode,
  };
}

function zip64Sizes(record: Buffer, extra: Buffer, filename: string) {
  let compressedSizeBytes = record.readUInt32LE(20);
  let sizeBytes = record.readUInt32LE(24);
  let offsetBytes = record.readUInt32LE(42);
  if (record.readUInt16LE(34) !== 0) throw notAZip(filename, 'it is split in parts');
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (at + 4 + length > extra.length) throw notAZip(filename, 'an extra field is damaged');
    if (extra.readUInt16LE(at) === 0x0001) {
      let field = at + 4;
      const take = () => {
        if (field + 8 > at + 4 + length) throw notAZip(filename, 'a zip64 field is damaged');
        field += 8;
        return bigNumber(extra, field - 8);
      };
      if (sizeBytes === 0xffffffff) sizeBytes = take();
      if (compressedSizeBytes === 0xffffffff) compressedSizeBytes = take();
      if (offsetBytes === 0xffffffff) offsetBytes = take();
    }
    at += 4 + length;
  }
  return { compressedSizeBytes, sizeBytes, offsetBytes };
}

function inPhysicalOrder(entries: readonly ZipEntry[], directoryOffset: number, filename: string): readonly ZipEntry[] {
  const sorted = entries.toSorted((one, other) => one.offsetBytes - other.offsetBytes);
  if (sorted[0] !== undefined && sorted[0].offsetBytes !== 0) {
    throw overlap(filename, `${sorted[0].offsetBytes} bytes come before its first file`);
  }
  return sorted.map((entry, index) => {
    const endBytes = sorted[index + 1]?.offsetBytes ?? directoryOffset;
    if (entry.offsetBytes + 30 + entry.compressedSizeBytes > endBytes) {
      throw overlap(filename, `"${entry.name}" overlaps with what follows it`);
    }
    return { ...entry, endBytes };
  });
}

function refuseUnsafePath(name: string, filename: string): void {
  const parts = (name.endsWith('/') ? name.slice(0, -1) : name).split('/');
  const unsafe =
    /[\\\x00-\x1f\x7f]/.test(name) ||
    /^[A-Za-z]:/.test(name) ||
    parts.some((part) => part === '' || part === '.' || part === '..' || Buffer.byteLength(part) > longestNameBytes) ||
    Buffer.byteLength(name) > longestPathBytes;
  if (!unsafe) return;
  throw pythonFault('wheel/unsafe-path', {
    what: `${filename} holds "${name}", a path that could lead out of the environment or that no file can have`,
    subject: filename,
    hint: 'Do not use this file; report it to the package index.',
  });
}

function refuseBombs(entries: readonly ZipEntry[], fileSizeBytes: number, filename: string): void {
  let totalBytes = 0;
  for (const entry of entries) {
    totalBytes += entry.sizeBytes;
    if (entry.sizeBytes > alwaysAllowedBytes && entry.sizeBytes > entry.compressedSizeBytes * maximalEntryRatio) {
      throw bomb(filename, `"${entry.name}" would grow from ${entry.compressedSizeBytes} to ${entry.sizeBytes} bytes`);
    }
  }
  if (
    totalBytes > maximalTotalBytes ||
    (totalBytes > 2 * alwaysAllowedBytes && totalBytes > fileSizeBytes * maximalTotalRatio)
  ) {
    throw bomb(filename, `it would grow from ${fileSizeBytes} to ${totalBytes} bytes`);
  }
}

function decodeName(bytes: Buffer, isUtf8: boolean, filename: string): string {
  try {
    const name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (isUtf8 || /^[\x00-\x7f]*$/.test(name)) return name;
  } catch {
    // Falls through: neither UTF-8 nor ASCII.
  }
  throw unsupported(filename, `the name "${bytes.toString('latin1')}" is not in UTF-8`);
}

function bigNumber(bytes: Buffer, at: number): number {
  // Larger than any file here can be: the callers' bounds refuse it.
  return Number(bytes.readBigUInt64LE(at));
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function notAZip(filename: string, why: string): Error {
  return pythonFault('wheel/not-a-zip', {
    what: `${filename} cannot be read as a zip: ${why}`,
    subject: filename,
    hint: 'Download it again; if it stays so, the file is damaged at its source.',
  });
}

export function overlap(filename: string, why: string): Error {
  return pythonFault('wheel/overlap', {
    what: `${filename} is not laid out as one file after the other: ${why}`,
    subject: filename,
    hint: 'Do not use this file; different programs could see different contents in it.',
  });
}

function unsupported(filename: string, why: string): Error {
  return pythonFault('wheel/unsupported', {
    what: `${filename} cannot be installed: ${why}`,
    subject: filename,
    hint: 'Take another version of the package, or build the wheel anew with a current tool.',
  });
}

export function bomb(filename: string, why: string): Error {
  return pythonFault('wheel/bomb', {
    what: `${filename} looks like a decompression bomb: ${why}`,
    subject: filename,
    hint: 'Do not use this file; report it to the package index.',
  });
}
