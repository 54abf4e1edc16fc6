import type { Window } from './elf.ts';

/** A stretch around a clue; the bytes of it that had come by already are filled in. */
export type Clue = Window & { readonly before: Uint8Array };

/** What is kept before and behind a clue: version tables and the names that they refer to are a few kilobytes. */
const aroundBytes = 16 << 10;
/** A crafted file may be full of them; in real ones the first is the right one. */
const maximalHits = 4;

/** Names of versions lie beside the names of libraries. */
const versionName = Buffer.from('GLIBC_2.');
/**
 * The version that nearly every library needs is the oldest of its machine, and its table holds that name's hash (System V gABI,
 * "Hash Table"), then flags of zero.
 */
const oldestVersions: ReadonlyMap<number, Buffer> = new Map([
  [62, Buffer.from([0x75, 0x1a, 0x69, 0x09, 0, 0])], // GLIBC_2.2.5
  [183, Buffer.from([0x97, 0x91, 0x96, 0x06, 0, 0])], // GLIBC_2.17
]);

/**
 * Guesses while a large library passes by where its version table and its strings are. Only the dynamic section at its end will
 * tell, and reading up to there a second time costs more than the guess. A wrong guess costs that and nothing else.
 */
export class ElfClues {
  readonly #searches: { readonly sought: Buffer; hits: number; fromBytes: number }[];
  readonly #endBytes: number;
  /** The end of the last chunk. */
  readonly #carried = Buffer.allocUnsafeSlow(aroundBytes);
  #carriedBytes = 0;

  /** `endBytes`: where the tables that are loaded first end. */
  constructor(machine: number, endBytes: number) {
    const sought = [versionName, oldestVersions.get(machine)].filter((one) => one !== undefined);
    this.#searches = sought.map((one) => ({ sought: one, hits: 0, fromBytes: 0 }));
    this.#endBytes = endBytes;
  }

  /** Looks through the next bytes of the file; `positionBytes` is where they start. */
  search(chunk: Uint8Array, positionBytes: number): readonly Clue[] {
    const open = this.#searches.filter(({ hits }) => hits < maximalHits);
    if (positionBytes >= this.#endBytes || open.length === 0) return [];
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const clues: Clue[] = [];
    for (const search of open) {
      for (let at = 0; search.hits < maximalHits; ) {
        at = bytes.indexOf(search.sought, Math.max(at, search.fromBytes - positionBytes));
        if (at === -1) break;
        search.hits += 1;
        search.fromBytes = positionBytes + at + aroundBytes;
        clues.push(this.#around(positionBytes + at, positionBytes));
      }
    }
    this.#carry(bytes);
    return clues;
  }

  #around(hitBytes: number, positionBytes: number): Clue {
    const offset = Math.max(positionBytes - this.#carriedBytes, hitBytes - aroundBytes);
    const missing = Math.max(0, positionBytes - offset);
    const before = Buffer.from(this.#carried.subarray(this.#carriedBytes - missing, this.#carriedBytes));
    return { offset, sizeBytes: hitBytes + aroundBytes - offset, before };
  }

  #carry(bytes: Buffer): void {
    const kept = Math.min(bytes.length, aroundBytes);
    const older = Math.min(this.#carriedBytes, aroundBytes - kept);
    this.#carried.copyWithin(0, this.#carriedBytes - older, this.#carriedBytes);
    bytes.copy(this.#carried, older, bytes.length - kept);
    this.#carriedBytes = older + kept;
  }
}
