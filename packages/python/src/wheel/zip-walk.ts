import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { DamagedStream, type DeflatedChunk, Inflater, type InflationEnd } from '@mir/core';
import { pythonFault } from '../fault.ts';
import { ByteReader } from './byte-reader.ts';
import type { WheelSource } from './source.ts';
import { dataDescriptorFlag, overlap, type ZipDirectory, type ZipEntry } from './zip-directory.ts';

/** An entry of a zip with its contents, whose size and CRC-32 are checked while they are read. */
export type WalkedEntry = { readonly entry: ZipEntry; readonly content: WalkedContent };

/**
 * Small contents are whole, and good until the next entry is taken; large ones pass by once and end in a fault if they are not
 * what was promised.
 */
export type WalkedContent =
  | { readonly kind: 'whole'; readonly deflated: Uint8Array | undefined; readonly inflated: Uint8Array }
  | { readonly kind: 'stream'; readonly chunks: AsyncIterable<DeflatedChunk> };

/** What the whole file was found to be. */
export type WalkEnd = { sha256: string };

/** Entries up to these sizes are held whole and inflated on the spot. */
const wholeCompressedBytes = 512 * 1024;
const wholeBytes = 1024 * 1024;
const localHeaderBytes = 30;
const decoder = new TextDecoder();

/**
 * Walks a zip once from its first byte to its last, in the physical order of its entries. Every local header must
 * repeat what the directory says, nothing may lie between entries, and the directory must be the one that was read
 * from the tail. `end` holds the file's SHA-256 when the walk is over.
 *
 * @throws Fault `wheel/header-mismatch`, `wheel/overlap`, `wheel/wrong-checksum`, `wheel/truncated`, `wheel/wrong-size`
 */
export async function* walkZip(
  source: WheelSource,
  directory: ZipDirectory,
  filename: string,
  end: WalkEnd,
): AsyncGenerator<WalkedEntry> {
  const reader = new ByteReader(source.stream(), filename);
  const inflater = new Inflater(longestWhole(directory));
  try {
    for (const entry of directory.entries) {
      await readLocalHeader(reader, entry, filename);
      if (isHeldWhole(entry)) {
        const bytes = reader.takeNow(entry.compressedSizeBytes) ?? (await reader.take(entry.compressedSizeBytes));
        yield { entry, content: wholeContent(entry, bytes, inflater, filename) };
      } else {
        const chunks = readStreamed(reader, entry, inflater, filename);
        yield { entry, content: { kind: 'stream', chunks } };
        // A reader that skipped the contents must not skip their check.
        for await (const _ of chunks);
      }
      await readDataDescriptor(reader, entry, filename);
    }
    end.sha256 = await readTail(reader, source, directory, filename);
  } finally {
    inflater.close();
    await reader.close();
  }
}

function isHeldWhole(entry: ZipEntry): boolean {
  return entry.compressedSizeBytes <= wholeCompressedBytes && entry.sizeBytes <= wholeBytes;
}

function longestWhole(directory: ZipDirectory): number {
  return directory.entries.reduce((longest, entry) => Math.max(longest, isHeldWhole(entry) ? entry.sizeBytes : 0), 0);
}

async function readLocalHeader(reader: ByteReader, entry: ZipEntry, filename: string): Promise<void> {
  const header = localHeader(view(reader.takeNow(localHeaderBytes) ?? (await reader.take(localHeaderBytes))));
  const mismatch = (what: string) => headerMismatch(filename, entry.name, what);
  if (header.signature !== 0x04034b50) throw mismatch('its local header is missing');
  if (header.flags !== entry.flags) throw mismatch('flags');
  if (header.method !== (entry.method === 'stored' ? 0 : 8)) throw mismatch('compression methods');
  const name = decoder.decode(reader.takeNow(header.nameBytes) ?? (await reader.take(header.nameBytes)));
  if (name !== entry.name) throw mismatch(`names ("${name}")`);
  const extra = reader.takeNow(header.extraBytes) ?? (await reader.take(header.extraBytes));
  if ((entry.flags & dataDescriptorFlag) !== 0) return;
  const sizes = localSizes(header, view(extra));
  if (header.crc32 !== entry.crc32) throw mismatch('checksums');
  if (sizes.compressedSizeBytes !== entry.compressedSizeBytes || sizes.sizeBytes !== entry.sizeBytes)
    throw mismatch('sizes');
}

type Sizes = { readonly compressedSizeBytes: number; readonly sizeBytes: number };

/** What a local header says before name and extra field (APPNOTE 4.3.7). */
function localHeader(fixed: DataView) {
  return {
    signature: fixed.getUint32(0, true),
    flags: fixed.getUint16(6, true),
    method: fixed.getUint16(8, true),
    crc32: fixed.getUint32(14, true),
    compressedSizeBytes: fixed.getUint32(18, true),
    sizeBytes: fixed.getUint32(22, true),
    nameBytes: fixed.getUint16(26, true),
    extraBytes: fixed.getUint16(28, true),
  };
}

function localSizes({ compressedSizeBytes, sizeBytes }: Sizes, extra: DataView): Sizes {
  if (compressedSizeBytes !== 0xffffffff && sizeBytes !== 0xffffffff) return { compressedSizeBytes, sizeBytes };
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    // In a local header zip64 always has both sizes (APPNOTE 4.5.3).
    if (extra.getUint16(at, true) === 0x0001 && at + 20 <= extra.byteLength) {
      return {
        sizeBytes: Number(extra.getBigUint64(at + 4, true)),
        compressedSizeBytes: Number(extra.getBigUint64(at + 12, true)),
      };
    }
  }
  return { compressedSizeBytes, sizeBytes };
}

/** What follows an entry is a data descriptor where its flags say so, and else nothing (APPNOTE 4.3.9). */
async function readDataDescriptor(reader: ByteReader, entry: ZipEntry, filename: string): Promise<void> {
  const lengthBytes = entry.endBytes - reader.positionBytes;
  const described = (entry.flags & dataDescriptorFlag) !== 0;
  if (!described && lengthBytes === 0) return;
  if (!described || ![12, 16, 20, 24].includes(lengthBytes)) {
    throw overlap(filename, `there are ${lengthBytes} unexplained bytes behind "${entry.name}"`);
  }
  const bytes = view(await reader.take(lengthBytes));
  const signed = lengthBytes === 16 || lengthBytes === 24;
  const at = signed ? 4 : 0;
  const big = lengthBytes >= 20;
  const size = (offset: number) => (big ? Number(bytes.getBigUint64(offset, true)) : bytes.getUint32(offset, true));
  const sound =
    (!signed || bytes.getUint32(0, true) === 0x08074b50) &&
    bytes.getUint32(at, true) === entry.crc32 &&
    size(at + 4) === entry.compressedSizeBytes &&
    size(at + (big ? 12 : 8)) === entry.sizeBytes;
  if (!sound) throw headerMismatch(filename, entry.name, 'data descriptors');
}

function wholeContent(entry: ZipEntry, bytes: Uint8Array, inflater: Inflater, filename: string): WalkedContent {
  const isStored = entry.method === 'stored';
  const inflated = isStored ? bytes : inflatePiece(entry, bytes, inflater, filename);
  if (inflated.length !== entry.sizeBytes) throw wrongSize(filename, entry.name);
  if (crc32(inflated) !== entry.crc32) throw wrongChecksum(filename, entry.name);
  return { kind: 'whole', deflated: isStored ? undefined : bytes, inflated };
}

function inflatePiece(entry: ZipEntry, bytes: Uint8Array, inflater: Inflater, filename: string): Uint8Array {
  try {
    return inflater.inflatePiece(bytes, entry.sizeBytes);
  } catch (thrown) {
    throw inflationFault(thrown, filename, entry.name);
  }
}

async function* readStreamed(
  reader: ByteReader,
  entry: ZipEntry,
  inflater: Inflater,
  filename: string,
): AsyncGenerator<DeflatedChunk> {
  const end: InflationEnd = { consumedBytes: entry.compressedSizeBytes };
  const raw = readPart(reader, entry.compressedSizeBytes);
  const chunks = entry.method === 'stored' ? unchanged(raw) : inflater.inflateStream(raw, end);
  let sizeBytes = 0;
  let checksum = 0;
  try {
    for await (const chunk of chunks) {
      sizeBytes += chunk.inflated.length;
      if (sizeBytes > entry.sizeBytes) throw wrongSize(filename, entry.name);
      checksum = crc32(chunk.inflated, checksum);
      yield chunk;
    }
  } catch (thrown) {
    throw inflationFault(thrown, filename, entry.name);
  }
  if (sizeBytes !== entry.sizeBytes || end.consumedBytes !== entry.compressedSizeBytes)
    throw wrongSize(filename, entry.name);
  if (checksum !== entry.crc32) throw wrongChecksum(filename, entry.name);
}

async function* readPart(reader: ByteReader, lengthBytes: number): AsyncGenerator<Uint8Array> {
  for (let left = lengthBytes; left > 0; ) {
    const piece = await reader.some(left);
    left -= piece.length;
    yield piece;
  }
}

async function* unchanged(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<DeflatedChunk> {
  for await (const inflated of pieces) yield { deflated: new Uint8Array(0), inflated };
}

async function readTail(
  reader: ByteReader,
  source: WheelSource,
  directory: ZipDirectory,
  filename: string,
): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of readPart(reader, directory.endBytes - directory.offsetBytes)) hash.update(piece);
  if (hash.digest('hex') !== directory.sha256)
    throw headerMismatch(filename, 'its directory', 'contents when read again');
  for await (const _ of readPart(reader, source.sizeBytes - reader.positionBytes));
  const sha256 = await reader.finish();
  if (sha256 !== undefined) return sha256;
  throw pythonFault('wheel/wrong-size', {
    what: `${filename} is longer than the ${source.sizeBytes} bytes that it should have`,
    subject: filename,
    hint: 'The file is not the one that the lock names; resolve anew if it was replaced on purpose.',
  });
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function inflationFault(thrown: unknown, filename: string, name: string): unknown {
  if (!(thrown instanceof DamagedStream)) return thrown;
  return pythonFault('wheel/wrong-checksum', {
    what: `${filename} is damaged: "${name}" cannot be decompressed`,
    subject: filename,
    hint: 'Download it again; if it stays so, the file is damaged at its source.',
    cause: thrown,
  });
}

function wrongSize(filename: string, name: string): Error {
  return pythonFault('wheel/wrong-checksum', {
    what: `${filename} is damaged: "${name}" does not have the size that the file says`,
    subject: filename,
    hint: 'Download it again; if it stays so, the file is damaged at its source.',
  });
}

function wrongChecksum(filename: string, name: string): Error {
  return pythonFault('wheel/wrong-checksum', {
    what: `${filename} is damaged: "${name}" does not have the checksum (CRC-32) that the file says`,
    subject: filename,
    hint: 'Download it again; if it stays so, the file is damaged at its source.',
  });
}

function headerMismatch(filename: string, name: string, what: string): Error {
  return pythonFault('wheel/header-mismatch', {
    what: `${filename} says two different things of "${name}": ${what}`,
    subject: filename,
    hint: 'Do not use this file; different programs could see different contents in it.',
  });
}
