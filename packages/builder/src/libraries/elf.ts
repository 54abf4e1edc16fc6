import { ElfClues } from './elf-clues.ts';

/**
 * What the dynamic linker will ask of an ELF file, read while the file streams by (System V gABI chapter 5; GNU
 * symbol versioning). Only the start, the end and the dynamic section are kept, so that a library of a gigabyte costs three megabytes.
 */

/** What one ELF file needs and offers. */
export type ElfFacts = {
  /** e_machine: 62 is x86-64, 183 AArch64. */
  readonly machine: number;
  readonly soname: string | undefined;
  /** DT_NEEDED, in the order of the file. */
  readonly needed: readonly string[];
  /** The highest `GLIBC_x.y` version that a symbol is needed in; undefined when there is none. */
  readonly glibc: string | undefined;
};

/** A stretch of a file that has to be kept while the file streams by. */
export type Window = { readonly offset: number; readonly sizeBytes: number };

/** What of a file has to be seen once more, because it passed by before it was known to matter; and what was kept of it. */
export type Missed = { readonly missed: readonly Window[]; readonly kept: readonly KeptWindow[] };

/** Symbol names lie at the start of a file, in those that patchelf has touched at its end; of more, only the two ends are kept. */
const headBytes = 2 << 20;
const tailBytes = 1 << 20;
const largestDynamicBytes = 1 << 20;
const largestHeaderTableBytes = 64 << 10;
const largestMissedBytes = 16 << 20;
const aroundBytes = 4096;
const headerBytes = 64;
/** A file header and program headers as there are at the most in real files. */
const programHeaderBytes = 4096;
const longestString = 1024;
const maximalVersions = 10_000;

const ptLoad = 1;
const ptDynamic = 2;
const dtNeeded = 1n;
const dtStrtab = 5n;
const dtSoname = 14n;
const dtVerneed = 0x6ffffffen;
const dtVerneednum = 0x6fffffffn;

type Segment = {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly sizeBytes: number;
};

type KeptWindow = {
  readonly offset: number;
  readonly bytes: Buffer;
  /** Filled when the file came by before. */
  readonly isFilled?: true;
};

/** Room for the two ends of a file, used for one file after the other: a wheel may hold a thousand libraries. */
export class ElfScratch {
  readonly head: Buffer = Buffer.allocUnsafeSlow(headBytes);
  readonly tail: Buffer = Buffer.allocUnsafeSlow(tailBytes);
}

/**
 * Takes the chunks of one file and tells at the end what it is. When tables lie where nothing was kept, it names the stretches
 * that it missed: scan the file once more with those windows added.
 */
export class ElfScanner {
  readonly #sizeBytes: number;
  readonly #windows: KeptWindow[];
  #position = 0;
  /** A second scan knows what it looks for. */
  readonly #mayGuess: boolean;
  #clues: ElfClues | undefined;
  #state: 'unknown' | 'elf' | 'not-elf' = 'unknown';

  /** `missed`: what an earlier scan of the same file has missed. */
  constructor(sizeBytes: number, options: { readonly missed?: Missed; readonly scratch?: ElfScratch } = {}) {
    const { missed, scratch = new ElfScratch() } = options;
    const head = Math.min(headBytes, sizeBytes);
    const tail = Math.min(tailBytes, sizeBytes - head);
    this.#sizeBytes = sizeBytes;
    this.#mayGuess = missed === undefined && sizeBytes > headBytes + tailBytes;
    this.#windows = [{ offset: 0, bytes: scratch.head.subarray(0, head) }];
    if (missed === undefined) this.#windows.push({ offset: sizeBytes - tail, bytes: scratch.tail.subarray(0, tail) });
    else this.#windows.push(...missed.kept, ...merged(missed.missed).map((window) => this.#room(window)));
  }

  /** Whether everything that is to be kept has come by: the rest of the file need not be pushed. */
  get isDone(): boolean {
    const open = this.#windows.filter(({ isFilled }) => isFilled !== true);
    return this.#state === 'not-elf' || open.every(({ offset, bytes }) => offset + bytes.length <= this.#position);
  }

  /** The next bytes of the file; what is kept of them is copied. */
  push(chunk: Uint8Array): void {
    if (this.#state === 'not-elf') return;
    if (this.#position === 0 && chunk.length >= 4) {
      const isElf = chunk[0] === 0x7f && chunk[1] === 0x45 && chunk[2] === 0x4c && chunk[3] === 0x46;
      if (!isElf) this.#state = 'not-elf';
    }
    for (const { before, ...window } of this.#clues?.search(chunk, this.#position) ?? []) {
      const room = this.#room(window);
      // A file may be longer than it was said to be.
      room.bytes.set(before.subarray(0, room.bytes.length));
      this.#windows.push(room);
    }
    this.#keep(chunk);
    // The program headers come first; they say where the dynamic section will come by.
    if (this.#state === 'unknown' && this.#position >= Math.min(programHeaderBytes, this.#sizeBytes)) {
      this.#state = 'elf';
      const { dynamic, machine, firstLoadBytes } = new ElfView(this.#windows, this.#position).layout();
      if (dynamic === undefined || dynamic.offset < this.#position) return;
      this.#windows.push(this.#room(dynamic));
      if (this.#mayGuess) this.#clues = new ElfClues(machine, firstLoadBytes);
    }
  }

  /** The facts; `not-elf` for anything but a 64-bit little-endian ELF file with a dynamic section; or what was missed. */
  finish(): ElfFacts | 'not-elf' | Missed {
    if (this.#state === 'not-elf') return 'not-elf';
    const view = new ElfView(this.#windows, this.#position);
    const facts = view.facts();
    if (view.missed.length === 0) return facts;
    // Tables that lie beyond the end are garbage, however often the file is read.
    const isThere = view.missed.every(({ offset, sizeBytes }) => offset + sizeBytes <= this.#sizeBytes);
    if (!isThere || view.missed.reduce((sum, window) => sum + window.sizeBytes, 0) > largestMissedBytes)
      return 'not-elf';
    return { missed: view.missed, kept: view.used };
  }

  #keep(chunk: Uint8Array): void {
    for (const { offset, bytes, isFilled } of this.#windows) {
      if (isFilled === true) continue;
      const start = Math.max(offset, this.#position);
      const end = Math.min(offset + bytes.length, this.#position + chunk.length);
      if (start < end) bytes.set(chunk.subarray(start - this.#position, end - this.#position), start - offset);
    }
    this.#position += chunk.length;
  }

  #room({ offset, sizeBytes }: Window): KeptWindow {
    return { offset, bytes: Buffer.alloc(Math.max(0, Math.min(sizeBytes, this.#sizeBytes - offset))) };
  }
}

/** Whether a file may be an ELF file worth scanning, by its name: shared libraries and extension modules. */
export function mayBeLibrary(path: string): boolean {
  return /\.so(\.[0-9A-Za-z._-]+)?$/.test(path);
}

/** Windows with what lies around them, which is likely to be asked for next; those that touch are one. */
function merged(windows: readonly Window[]): readonly Window[] {
  const wide = windows.map(({ offset, sizeBytes }) => ({
    start: Math.max(0, offset - aroundBytes),
    end: offset + sizeBytes + aroundBytes,
  }));
  wide.sort((a, b) => a.start - b.start);
  const found: { start: number; end: number }[] = [];
  for (const window of wide) {
    const last = found.at(-1);
    if (last !== undefined && window.start <= last.end) last.end = Math.max(last.end, window.end);
    else found.push(window);
  }
  return found.map(({ start, end }) => ({ offset: start, sizeBytes: end - start }));
}

/** Reads tables out of what was kept of a file. What was not kept reads as zeros, and is listed in `missed`. */
class ElfView {
  readonly missed: Window[] = [];
  /** What was read of it, but for its start. */
  readonly used: KeptWindow[] = [];
  readonly #windows: readonly KeptWindow[];
  /** How much of the file has come by: windows behind it are not filled yet. */
  readonly #filledBytes: number;

  constructor(windows: readonly KeptWindow[], filledBytes: number) {
    this.#windows = windows;
    this.#filledBytes = filledBytes;
  }

  /** Where the file's dynamic section is, as far as its start tells, and where what is loaded first ends. */
  layout(): { readonly dynamic: Window | undefined; readonly machine: number; readonly firstLoadBytes: number } {
    const header = this.#at(0, headerBytes);
    const machine = header.readUInt16LE(18);
    if (!isSupported(header)) return { dynamic: undefined, machine, firstLoadBytes: 0 };
    const segments = this.#segments(header);
    const found = segments.find(({ type }) => type === ptDynamic);
    const isKnown = found !== undefined && this.missed.length === 0;
    const dynamic = isKnown
      ? { offset: found.offset, sizeBytes: Math.min(found.sizeBytes, largestDynamicBytes) }
      : undefined;
    const load = segments.find(({ type }) => type === ptLoad);
    return { dynamic, machine, firstLoadBytes: load === undefined ? 0 : load.offset + load.sizeBytes };
  }

  facts(): ElfFacts | 'not-elf' {
    const header = this.#at(0, headerBytes);
    if (!isSupported(header)) return 'not-elf';
    const segments = this.#segments(header);
    const dynamic = segments.find((segment) => segment.type === ptDynamic);
    if (dynamic === undefined) return 'not-elf';
    const values = dynamicValues(this.#at(dynamic.offset, Math.min(dynamic.sizeBytes, largestDynamicBytes)));
    const strings = values.get(dtStrtab)?.[0];
    if (strings === undefined) return 'not-elf';
    const text = (offset: bigint) => this.#string(segments, strings + offset);
    const soname = values.get(dtSoname)?.[0];
    return {
      machine: header.readUInt16LE(18),
      soname: soname === undefined ? undefined : text(soname),
      needed: (values.get(dtNeeded) ?? []).slice(0, maximalVersions).map(text),
      glibc: this.#highestGlibc(segments, values, text),
    };
  }

  #segments(header: Buffer): Segment[] {
    const entrySize = header.readUInt16LE(54);
    const count = header.readUInt16LE(56);
    // Files have a dozen of them; a crafted file can say that it has gigabytes.
    if (entrySize * count > largestHeaderTableBytes) return [];
    const table = this.#at(Number(header.readBigUInt64LE(32)), entrySize * count);
    return Array.from({ length: count }, (_, index) => {
      const at = index * entrySize;
      return {
        type: table.readUInt32LE(at),
        offset: Number(table.readBigUInt64LE(at + 8)),
        address: table.readBigUInt64LE(at + 16),
        sizeBytes: Number(table.readBigUInt64LE(at + 32)),
      };
    });
  }

  #highestGlibc(
    segments: readonly Segment[],
    values: ReadonlyMap<bigint, readonly bigint[]>,
    text: (offset: bigint) => string,
  ): string | undefined {
    let needAt = values.get(dtVerneed)?.[0];
    let highest: string | undefined;
    // A crafted table can point into itself: real ones have a few dozen versions.
    let budget = maximalVersions;
    for (let left = values.get(dtVerneednum)?.[0] ?? 0n; needAt !== undefined && left > 0n; left--) {
      const need = this.#atAddress(segments, needAt, 16);
      let auxAt = needAt + BigInt(need.readUInt32LE(8));
      for (let more = need.readUInt16LE(2); more > 0; more--) {
        if (--budget < 0) return highest;
        const aux = this.#atAddress(segments, auxAt, 16);
        const version = /^GLIBC_(\d+(?:\.\d+)+)$/.exec(text(BigInt(aux.readUInt32LE(8))))?.[1];
        if (version !== undefined && (highest === undefined || compareDotted(version, highest) > 0)) highest = version;
        auxAt += BigInt(aux.readUInt32LE(12));
      }
      const next = need.readUInt32LE(12);
      needAt = next === 0 ? undefined : needAt + BigInt(next);
    }
    return highest;
  }

  #string(segments: readonly Segment[], address: bigint): string {
    const bytes = this.#atAddress(segments, address, longestString, 1);
    const end = bytes.indexOf(0);
    return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
  }

  #atAddress(segments: readonly Segment[], address: bigint, sizeBytes: number, atLeastBytes = sizeBytes): Buffer {
    const holder = segments.find(
      (segment) =>
        segment.type === ptLoad &&
        address >= segment.address &&
        address + BigInt(atLeastBytes) <= segment.address + BigInt(segment.sizeBytes),
    );
    if (holder === undefined) return Buffer.alloc(atLeastBytes);
    const into = Number(address - holder.address);
    return this.#at(holder.offset + into, Math.min(sizeBytes, holder.sizeBytes - into));
  }

  #at(offset: number, sizeBytes: number): Buffer {
    for (const window of this.#windows) {
      const start = offset - window.offset;
      const isFilled = window.isFilled === true || offset + sizeBytes <= this.#filledBytes;
      if (isFilled && start >= 0 && start + sizeBytes <= window.bytes.length) {
        const bytes = window.bytes.subarray(start, start + sizeBytes);
        // The start of the file comes by again in a second scan; and the room is used for the next file.
        if (offset >= headBytes) this.used.push({ offset, bytes: Buffer.from(bytes), isFilled: true });
        return bytes;
      }
    }
    this.missed.push({ offset, sizeBytes });
    return Buffer.alloc(Math.min(sizeBytes, largestDynamicBytes));
  }
}

/** A 64-bit little-endian file whose program headers have the usual size. */
function isSupported(header: Buffer): boolean {
  return header[4] === 2 && header[5] === 1 && header.readUInt16LE(54) >= 56;
}

function dynamicValues(table: Buffer): Map<bigint, bigint[]> {
  const values = new Map<bigint, bigint[]>();
  for (let at = 0; at + 16 <= table.length; at += 16) {
    const tag = table.readBigInt64LE(at);
    if (tag === 0n) break;
    const listed = values.get(tag);
    if (listed === undefined) values.set(tag, [table.readBigUInt64LE(at + 8)]);
    else listed.push(table.readBigUInt64LE(at + 8));
  }
  return values;
}

/** Compares versions like `2.31` and `2.4` by their numbers. */
export function compareDotted(left: string, right: string): number {
  const a = left.split('.').map(Number);
  const b = right.split('.').map(Number);
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
