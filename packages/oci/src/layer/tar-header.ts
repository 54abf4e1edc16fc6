import { Fault } from '@mir/core';
import type { OciFaultCode } from '../fault.ts';

/** Tar works in blocks of this size (POSIX pax interchange format). */
export const blockBytes = 512;

/** What goes into one tar header. */
export type TarHeader = {
  /** Relative, `/`-separated; a directory's has no slash at its end. */
  readonly path: string;
  readonly typeFlag: '0' | '1' | '2' | '5';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly linkTarget?: string;
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
};

const encoder = new TextEncoder();
const largestSize = 0o77777777777;
const largestId = 0o7777777;
const asciiOnly = /^[\x01-\x7f]*$/;

/**
 * The ustar block of a header, with a pax extended header before it where ustar cannot say it: long or non-ASCII
 * names, sizes of 8 GiB and more, large ids, times before 1970, extended attributes.
 */
export function encodeTarHeader(header: TarHeader): Uint8Array {
  const name = header.typeFlag === '5' ? `${header.path}/` : header.path;
  const target = header.linkTarget ?? '';
  const split = splitName(name);
  const records: Uint8Array[] = [];
  if (split === undefined) records.push(paxRecord('path', encoder.encode(name)));
  if (target.length > 100 || !asciiOnly.test(target)) records.push(paxRecord('linkpath', encoder.encode(target)));
  if (header.sizeBytes > largestSize) records.push(paxRecord('size', encoder.encode(String(header.sizeBytes))));
  if (header.uid > largestId) records.push(paxRecord('uid', encoder.encode(String(header.uid))));
  if (header.gid > largestId) records.push(paxRecord('gid', encoder.encode(String(header.gid))));
  const plainTime = header.mtimeSeconds >= 0 && header.mtimeSeconds <= largestSize;
  if (!plainTime) records.push(paxRecord('mtime', encoder.encode(String(header.mtimeSeconds))));
  for (const xattr of Object.keys(header.xattrs ?? {}).sort()) {
    records.push(paxRecord(`SCHILY.xattr.${xattr}`, header.xattrs?.[xattr] ?? new Uint8Array(0)));
  }
  const block = ustarBlock({
    name: split?.name ?? asciiStandIn(name),
    prefix: split?.prefix ?? '',
    typeFlag: header.typeFlag,
    mode: header.mode,
    uid: header.uid > largestId ? 0 : header.uid,
    gid: header.gid > largestId ? 0 : header.gid,
    sizeBytes: header.sizeBytes > largestSize ? 0 : header.sizeBytes,
    mtimeSeconds: plainTime ? header.mtimeSeconds : 0,
    linkTarget: asciiStandIn(target),
  });
  if (records.length === 0) return block;
  const data = Buffer.concat(records);
  const extended = ustarBlock({
    name: 'PaxHeaders/entry',
    prefix: '',
    typeFlag: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: data.length,
    mtimeSeconds: 0,
    linkTarget: '',
  });
  return Buffer.concat([extended, data, new Uint8Array(paddingAfter(data.length)), block]);
}

/** How many zero bytes follow content of this size. */
export function paddingAfter(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
}

/** Refuses a path that could leave the root or that readers would understand differently. @throws Fault `layer/path` */
export function requireRelativePath(path: string): string {
  if (path.length > 0 && path.length <= 4096 && !path.includes('\0')) {
    const parts = path.split('/');
    if (parts.every((part) => part !== '' && part !== '.' && part !== '..')) return path;
  }
  throw new Fault<OciFaultCode>('layer/path', {
    what: `"${path.slice(0, 300)}" cannot be the path of a file in a layer: it is empty, absolute, too long, or has empty, "." or ".." parts`,
    subject: path.slice(0, 300),
    hint: 'Give paths relative to the root, without "./" in front and without ".." anywhere.',
  });
}

type UstarFields = {
  readonly name: string;
  readonly prefix: string;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly linkTarget: string;
};

function ustarBlock(fields: UstarFields): Uint8Array {
  const block = Buffer.alloc(blockBytes);
  block.write(fields.name, 0, 100, 'latin1');
  block.write(octal(fields.mode & 0o7777, 7), 100, 'latin1');
  block.write(octal(fields.uid, 7), 108, 'latin1');
  block.write(octal(fields.gid, 7), 116, 'latin1');
  block.write(octal(fields.sizeBytes, 11), 124, 'latin1');
  block.write(octal(fields.mtimeSeconds, 11), 136, 'latin1');
  block.write('        ', 148, 'latin1');
  block.write(fields.typeFlag, 156, 'latin1');
  block.write(fields.linkTarget, 157, 100, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  block.write(fields.prefix, 345, 155, 'latin1');
  let sum = 0;
  for (let at = 0; at < blockBytes; at++) sum += block[at] ?? 0;
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** How ustar's two fields can hold a name, or undefined when they cannot. */
function splitName(name: string): { readonly name: string; readonly prefix: string } | undefined {
  if (!asciiOnly.test(name)) return undefined;
  if (name.length <= 100) return { name, prefix: '' };
  if (name.length > 256) return undefined;
  const slash = name.indexOf('/', name.length - 101);
  if (slash <= 0 || slash > 155 || slash === name.length - 1) return undefined;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

function asciiStandIn(text: string): string {
  return text.replace(/[^\x01-\x7f]/g, '_').slice(0, 100);
}

/** `length key=value\n`, where the length counts its own digits (pax, "Extended header"). */
function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const rest = Buffer.concat([encoder.encode(` ${key}=`), value, encoder.encode('\n')]);
  let length = rest.length + 1;
  while (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return Buffer.concat([encoder.encode(String(length)), rest]);
}
