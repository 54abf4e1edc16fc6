import { Fault } from '@mir/core';
import type { OciFaultCode } from '../fault.ts';
import { blockBytes } from './tar-header.ts';

/** The fields of one header block as they stand there (POSIX ustar, GNU and old tar). */
export type RawHeader = {
  readonly name: string;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly linkTarget: string;
};

const decoder = new TextDecoder();

/** The header in a block, or undefined for a block of zeros. @throws Fault `layer/damaged` */
export function decodeTarHeader(block: Uint8Array): RawHeader | undefined {
  const buffer = Buffer.from(block.buffer, block.byteOffset, block.length);
  const declaredSum = numberAt(buffer, 148, 8);
  const sum = checksum(buffer);
  if (sum === 8 * 0x20) return undefined;
  if (declaredSum !== sum) throw damagedTar('a header has a wrong checksum');
  const isUstar = buffer.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? textAt(buffer, 345, 155) : '';
  const name = textAt(buffer, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    typeFlag: String.fromCharCode(buffer[156] ?? 0),
    mode: numberAt(buffer, 100, 8) & 0o7777,
    uid: numberAt(buffer, 108, 8),
    gid: numberAt(buffer, 116, 8),
    sizeBytes: requireSize(numberAt(buffer, 124, 12)),
    mtimeSeconds: numberAt(buffer, 136, 12),
    linkTarget: textAt(buffer, 157, 100),
  };
}

/** The records of a pax extended header, values as bytes. @throws Fault `layer/damaged` */
export function decodePaxRecords(data: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const records = new Map<string, Uint8Array>();
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at);
    const digits = space === -1 ? '' : Buffer.from(data.subarray(at, space)).toString('latin1');
    const length = /^[0-9]{1,9}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = data.indexOf(0x3d, space);
    if (length < 5 || end > data.length || equals === -1 || equals >= end || data[end - 1] !== 0x0a) {
      throw damagedTar('an extended header is malformed');
    }
    records.set(decoder.decode(data.subarray(space + 1, equals)), data.slice(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** A whole number from a pax record, fractions dropped. */
export function paxNumber(value: Uint8Array): number {
  const number = Math.floor(Number(decoder.decode(value)));
  if (!Number.isSafeInteger(number)) throw damagedTar('an extended header has a number that is none');
  return number;
}

export function requireSize(sizeBytes: number): number {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes >= 0) return sizeBytes;
  throw damagedTar('an entry has an impossible size');
}

/** The fault for an archive that is not tar. */
export function damagedTar(why: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('layer/damaged', {
    what: `A layer is damaged: ${why}`,
    hint: 'Get the layer again; if it stays so, the image must be pushed anew.',
  });
}

function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < 148; at++) sum += block[at] ?? 0;
  for (let at = 156; at < blockBytes; at++) sum += block[at] ?? 0;
  return sum;
}

function textAt(block: Buffer, offset: number, length: number): string {
  const end = block.indexOf(0, offset);
  return block.toString('utf8', offset, end === -1 || end > offset + length ? offset + length : end);
}

/** An octal number, or GNU's base-256 for what octal cannot hold. */
function numberAt(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if ((first & 0x80) === 0) {
    const digits = block
      .toString('latin1', offset, offset + length)
      .replace(/[\0 ]+$/, '')
      .trimStart();
    if (!/^[0-7]*$/.test(digits)) throw damagedTar('a header has a number that is none');
    return digits === '' ? 0 : Number.parseInt(digits, 8);
  }
  let value = BigInt(first & 0x40 ? first - 0x100 : first & 0x3f);
  for (let at = offset + 1; at < offset + length; at++) value = value * 256n + BigInt(block[at] ?? 0);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw damagedTar('a header has a number that is too large');
  return number;
}
