import { crc32 } from 'node:zlib';
import { deflate, deflateBound } from './deflate.ts';
import { deflatedBound, deflateFixed, encodeStored } from './fixed-deflate.ts';

/** Bytes of every member's header and trailer. */
export const memberHeaderBytes = 24;
export const memberTrailerBytes = 8;

// Deflate, an extra field, no name, no time, unknown system; then the extra field's length, its name "MI" and its
// data's length.
const headerStart = Uint8Array.of(0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 12, 0, 0x4d, 0x49, 8, 0);

/**
 * A gzip member's header (RFC 1952). Its extra field holds the size of the whole member, so that members can be told
 * apart without inflating them (as BGZF does, with room for sizes beyond 64 KiB).
 */
export function memberHeader(deflatedSizeBytes: number): Uint8Array {
  const header = new Uint8Array(memberHeaderBytes);
  header.set(headerStart, 0);
  const sizeBytes = memberHeaderBytes + deflatedSizeBytes + memberTrailerBytes;
  new DataView(header.buffer).setBigUint64(headerStart.length, BigInt(sizeBytes), true);
  return header;
}

/** The size of the whole member that a header of ours starts; undefined for anybody else's header. */
export function memberSizeBytes(header: Uint8Array): number | undefined {
  if (header.length !== memberHeaderBytes || headerStart.some((byte, at) => header[at] !== byte)) return undefined;
  const sizeBytes = Number(new DataView(header.buffer, header.byteOffset).getBigUint64(headerStart.length, true));
  return sizeBytes > memberHeaderBytes + memberTrailerBytes && Number.isSafeInteger(sizeBytes) ? sizeBytes : undefined;
}

/** A gzip member's trailer: the CRC-32 and the size of what it inflates to. */
export function memberTrailer(crc: number, sizeBytes: number): Uint8Array {
  const trailer = new Uint8Array(8);
  const view = new DataView(trailer.buffer);
  view.setUint32(0, crc >>> 0, true);
  view.setUint32(4, sizeBytes % 0x1_0000_0000, true);
  return trailer;
}

/** Room for members, used again for each: what was made in it is good until the next. */
export class MemberRoom {
  #bytes: Buffer = Buffer.alloc(0);

  /** A member made by the small fixed encoder: for tar headers and padding. */
  fixed(content: Uint8Array): Uint8Array {
    const output = this.#atLeast(deflatedBound(content.length));
    return finished(output, deflateFixed(content, output, memberHeaderBytes), content);
  }

  /** A member of compressed content, or a stored one when compressing does not pay. The bytes are the same on every host. */
  compressed(content: Uint8Array): Uint8Array {
    const output = this.#atLeast(Math.max(deflateBound(content.length), deflatedBound(content.length)));
    const end = deflate(content, output, memberHeaderBytes);
    const isShorter = end - memberHeaderBytes < content.length;
    return finished(output, isShorter ? end : encodeStored(content, output, memberHeaderBytes), content);
  }

  #atLeast(contentBytes: number): Buffer {
    const sizeBytes = memberHeaderBytes + contentBytes + memberTrailerBytes;
    if (this.#bytes.length < sizeBytes) this.#bytes = Buffer.allocUnsafeSlow(sizeBytes);
    return this.#bytes;
  }
}

function finished(output: Buffer, end: number, content: Uint8Array): Uint8Array {
  output.set(memberHeader(end - memberHeaderBytes), 0);
  output.set(memberTrailer(crc32(content), content.length), end);
  return output.subarray(0, end + memberTrailerBytes);
}

/** The two zero blocks that end a tar. */
export const endOfArchive: Uint8Array = new Uint8Array(1024);

/** The member that ends every layer. Its bytes are constant: layers that end otherwise are not ours. */
export function endOfArchiveMember(): Uint8Array {
  return new MemberRoom().fixed(endOfArchive);
}
