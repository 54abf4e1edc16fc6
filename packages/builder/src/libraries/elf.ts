/**
 * What the dynamic linker will ask of an ELF file, read while the file streams by (System V gABI chapter 5; GNU
 * symbol versioning). Only a window at the start and one at the end are kept, so that a library of a gigabyte costs a few megabytes.
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

/** Files up to this size are kept whole; of larger ones only the two ends. */
const wholeBytes = 8 << 20;
const edgeBytes = 1 << 20;
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

/**
 * Takes the chunks of one file and tells at the end what it is. When the tables lie in the middle of a large file,
 * it names the stretch that it missed: scan the file once more with that window added.
 */
export class ElfScanner {
  readonly #sizeBytes: number;
  readonly #windows: readonly { readonly offset: number; readonly bytes: Buffer }[];
  #position = 0;
  #isElf = true;

  constructor(sizeBytes: number, windows: readonly Window[] = []) {
    const edges =
      sizeBytes <= wholeBytes
        ? [{ offset: 0, sizeBytes }]
        : [
            { offset: 0, sizeBytes: edgeBytes },
            { offset: sizeBytes - edgeBytes, sizeBytes: edgeBytes },
          ];
    this.#sizeBytes = sizeBytes;
    this.#windows = [...edges, ...windows].map((window) => ({
      offset: window.offset,
      bytes: Buffer.alloc(Math.max(0, Math.min(window.sizeBytes, sizeBytes - window.offset))),
    }));
  }

  /** The next bytes of the file; what is kept of them is copied. */
  push(chunk: Uint8Array): void {
    if (!this.#isElf) return;
    if (this.#position === 0 && chunk.length >= 4) {
      this.#isElf = chunk[0] === 0x7f && chunk[1] === 0x45 && chunk[2] === 0x4c && chunk[3] === 0x46;
    }
    for (const { offset, bytes } of this.#windows) {
      const start = Math.max(offset, this.#position);
      const end = Math.min(offset + bytes.length, this.#position + chunk.length);
      if (start < end) bytes.set(chunk.subarray(start - this.#position, end - this.#position), start - offset);
    }
    this.#position += chunk.length;
  }

  /** The facts; `not-elf` for anything but a 64-bit little-endian ELF file with a dynamic section; or a missed window. */
  finish(): ElfFacts | 'not-elf' | Window {
    if (!this.#isElf) return 'not-elf';
    try {
      return new ElfView(this.#windows).facts();
    } catch (thrown) {
      if (!(thrown instanceof OutOfView)) throw thrown;
      // Tables that lie beyond the end are garbage, however often the file is read.
      const { offset, sizeBytes } = thrown.window;
      return offset + sizeBytes <= this.#sizeBytes ? thrown.window : 'not-elf';
    }
  }
}

/** Whether a file may be an ELF file worth scanning, by its name: shared libraries and extension modules. */
export function mayBeLibrary(path: string): boolean {
  return /\.so(\.[0-9A-Za-z._-]+)?$/.test(path);
}

class OutOfView extends Error {
  readonly window: Window;
  constructor(window: Window) {
    super('out of view');
    this.window = window;
  }
}

class ElfView {
  readonly #windows: readonly { readonly offset: number; readonly bytes: Buffer }[];

  constructor(windows: readonly { readonly offset: number; readonly bytes: Buffer }[]) {
    this.#windows = windows;
  }

  facts(): ElfFacts | 'not-elf' {
    const header = this.#at(0, 64);
    if (header[4] !== 2 || header[5] !== 1 || header.readUInt16LE(54) < 56) return 'not-elf';
    const segments = this.#segments(header);
    const dynamic = segments.find((segment) => segment.type === ptDynamic);
    if (dynamic === undefined) return 'not-elf';
    const values = dynamicValues(this.#at(dynamic.offset, Math.min(dynamic.sizeBytes, edgeBytes)));
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
      if (start >= 0 && start + sizeBytes <= window.bytes.length)
        return window.bytes.subarray(start, start + sizeBytes);
    }
    throw new OutOfView({ offset, sizeBytes });
  }
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
