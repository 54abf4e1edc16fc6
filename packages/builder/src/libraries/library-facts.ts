import { compareDotted, type ElfFacts, ElfScanner, type Missed } from './elf.ts';

/** What the files of one wheel (or of another piece of an image) need of the system, and bring themselves. */
export type LibraryFacts = {
  /** Names under which the dynamic linker can find libraries that the wheel brings. */
  readonly bundled: readonly string[];
  /** Each library that is needed from somewhere, with one file that needs it. */
  readonly needed: readonly { readonly soname: string; readonly by: string }[];
  /** The lowest glibc that has every symbol version that is needed, `2.28`. */
  readonly glibc: string | undefined;
};

/** Gathers the facts of many ELF files into one statement about all of them. */
export class LibraryCensus {
  readonly #bundled = new Set<string>();
  readonly #needed = new Map<string, string>();
  #glibc: string | undefined;

  /** Counts one file in. */
  add(path: string, facts: ElfFacts): void {
    this.#bundled.add(path.slice(path.lastIndexOf('/') + 1));
    if (facts.soname !== undefined && facts.soname !== '') this.#bundled.add(facts.soname);
    for (const soname of facts.needed) {
      if (soname !== '' && !this.#needed.has(soname)) this.#needed.set(soname, path);
    }
    if (facts.glibc !== undefined && (this.#glibc === undefined || compareDotted(facts.glibc, this.#glibc) > 0)) {
      this.#glibc = facts.glibc;
    }
  }

  /** The statement so far, in a fixed order. */
  facts(): LibraryFacts {
    return {
      bundled: [...this.#bundled].sort(),
      needed: [...this.#needed].map(([soname, by]) => ({ soname, by })).sort((a, b) => (a.soname < b.soname ? -1 : 1)),
      glibc: this.#glibc,
    };
  }
}

/** Scans a file that can be streamed again, as often as it takes to see all its tables, and no further than they reach. */
export async function scanAgain(
  sizeBytes: number,
  first: Missed,
  stream: () => AsyncIterable<Uint8Array>,
): Promise<ElfFacts | undefined> {
  let missed = first;
  // Version table and strings, then the names of versions: a real file needs two or three rounds.
  for (let round = 0; round < 12; round++) {
    const scanner = new ElfScanner(sizeBytes, { missed });
    for await (const chunk of stream()) {
      scanner.push(chunk);
      if (scanner.isDone) break;
    }
    const found = scanner.finish();
    if (found === 'not-elf') return undefined;
    if (!('missed' in found)) return found;
    missed = found;
  }
  return undefined;
}
