import { decompressed } from '../deb/decompression.ts';
import type { ArchiveOptions } from './archive.ts';
import type { CacheFolder } from './cache-folder.ts';
import { packContents } from './contents.ts';
import { indexFile, notCachedFault } from './index-file.ts';
import { SortedTable } from './sorted-table.ts';
import type { SourceReader } from './source-reader.ts';
import type { KnownSuite } from './suite-index.ts';

type ListedSuite = { readonly known: KnownSuite; readonly uri: string };

/** Which packages of an archive hold which shared libraries, by its Contents indexes; read when it is asked for the first time. */
export class LibraryIndex {
  readonly #suites: readonly ListedSuite[];
  readonly #options: ArchiveOptions;
  readonly #reader: SourceReader;
  readonly #cache: CacheFolder;
  #tables: Promise<readonly SortedTable[]> | undefined;

  constructor(suites: readonly ListedSuite[], options: ArchiveOptions, reader: SourceReader, cache: CacheFolder) {
    this.#suites = suites;
    this.#options = options;
    this.#reader = reader;
    this.#cache = cache;
  }

  /** Packages that hold a library of this file name where the linker looks for it. @throws Fault `archive/*` */
  async packagesWith(soname: string): Promise<readonly string[]> {
    this.#tables ??= this.#read();
    return [...new Set((await this.#tables).flatMap((table) => table.valuesOf(soname)))];
  }

  async #read(): Promise<readonly SortedTable[]> {
    const tables: SortedTable[] = [];
    for (const { known, uri } of this.#suites) {
      const table = await this.#librariesOf(known, uri);
      if (table !== undefined) tables.push(table);
    }
    return tables;
  }

  /** Updates and security suites may have no Contents; their packages' names are those of the suite itself. */
  async #librariesOf(known: KnownSuite, uri: string): Promise<SortedTable | undefined> {
    const { architecture } = this.#options;
    const path = [`main/Contents-${architecture}`, `Contents-${architecture}`]
      .map((one) => `${one}.gz`)
      .find((one) => known.files[one] !== undefined);
    const file = path === undefined ? undefined : known.files[path];
    if (path === undefined || file === undefined) return undefined;
    const name = `libraries-2-${file.sha256}`;
    const kept = await this.#cache.read(name);
    if (kept !== undefined) return new SortedTable(kept);
    if (this.#options.offline === true) throw notCachedFault(uri, path);
    const url = `${uri}/dists/${known.suite}/${path}`;
    this.#options.onProgress?.({ what: 'contents', url });
    const packed = await packContents(decompressed(await indexFile(known, uri, path, this.#reader), path));
    await this.#cache.write(name, packed);
    return new SortedTable(packed);
  }
}
