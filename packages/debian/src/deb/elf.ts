const dynamicSegment = 2;
const loadSegment = 1;
const tags = { end: 0, stringTable: 5, soname: 14 } as const;

/**
 * The SONAME of a 64-bit little-endian ELF shared library, from its first bytes (all of them, or enough to hold the
 * dynamic segment and its strings). `undefined` for everything else and for a library without one.
 */
export function sonameOf(file: Buffer): string | undefined {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) return undefined;
  if (file.readUInt16LE(16) !== 3) return undefined;
  const headers = programHeaders(file);
  const dynamic = headers.find((header) => header.type === dynamicSegment);
  if (dynamic === undefined || dynamic.offset + dynamic.sizeBytes > file.length) return undefined;
  let soname: number | undefined;
  let strings: number | undefined;
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.sizeBytes; at += 16) {
    const tag = Number(file.readBigInt64LE(at));
    const value = Number(file.readBigUInt64LE(at + 8));
    if (tag === tags.end) break;
    if (tag === tags.soname) soname = value;
    if (tag === tags.stringTable) strings = value;
  }
  const loaded = headers.find(
    (header) =>
      header.type === loadSegment &&
      strings !== undefined &&
      strings >= header.address &&
      strings < header.address + header.sizeBytes,
  );
  if (soname === undefined || strings === undefined || loaded === undefined) return undefined;
  const start = strings - loaded.address + loaded.offset + soname;
  const end = start < file.length ? file.indexOf(0, start) : -1;
  return end < 0 ? undefined : file.toString('latin1', start, end);
}

type ProgramHeader = {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
};

function programHeaders(file: Buffer): readonly ProgramHeader[] {
  const start = Number(file.readBigUInt64LE(32));
  const size = file.readUInt16LE(54);
  const count = file.readUInt16LE(56);
  const headers: ProgramHeader[] = [];
  for (let i = 0; i < count; i += 1) {
    const at = start + i * size;
    if (size < 56 || at + 56 > file.length) break;
    headers.push({
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      address: Number(file.readBigUInt64LE(at + 16)),
      sizeBytes: Number(file.readBigUInt64LE(at + 32)),
    });
  }
  return headers;
}
