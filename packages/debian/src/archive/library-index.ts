import { decompressed } from '../deb/decompression.ts';
import type { ArchiveOptions } from './archive.ts';
import type { CacheFolder } from './cache-folder.ts';
import { packContents, readContents } from './contents.ts';
import { indexFile, notCachedFault } from './index-file.ts';
import type { SourceReader } from './source-reader.ts';
import type { KnownSuite } from './suite-index.ts';

type ListedSuite = { readonly known: KnownSuite; readonly uri: string };

/** Which packages of an archive hold which shared libraries, by its Contents indexes; read when it is asked for the first time. */
export class LibraryIndex {
  readonly #suites: readonly ListedSuite[];
  readonly #options: ArchiveOptions;
  readonly #reader: SourceReader;
  readonly #cache: CacheFolder;
  #libraries: Promise<ReadonlyMap<string, readonly string[]>> | undefined;

  constructor(suites: readonly ListedSuite[], options: ArchiveOptions, reader: SourceReader, cache: CacheFolder) {
    this.#suites = suites;
    this.#options = options;
    this.#reader = reader;
    this.#cache = cache;
  }

  /** Packages that hold a library of this file name where the linker looks for it. @throws Fault `archive/*` */
  async packagesWith(soname: string): Promise<readonly string[]> {
    this.#libraries ??= this.#read();
    return (await this.#libraries).get(soname) ?? [];
  }

  async #read(): Promise<ReadonlyMap<string, readonly string[]>> {
    const merged = new Map<string, readonly string[]>();
    for (const { known, uri } of this.#suites) {
      for (const [library, names] of await this.#librariesOf(known, uri)) {
        merged.set(library, [...new Set([...(merged.get(library) ?? []), ...names])]);
      }
    }
    return merged;
  }

  /** Updates and security suites may have no Contents; their packages' names are those of the suite itself. */
  async #librariesOf(known: KnownSuite, uri: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const { architecture } = this.#options;
    const path = [`main/Contents-${architecture}`, `Contents-${architecture}`]
      .map((one) => `${one}.gz`)
      .find((one) => known.files[one] !== undefined);
    const file = path === undefined ? undefined : known.files[path];
    if (path === undefined || file === undefined) return new Map();
    const name = `libraries-1-${file.sha256}`;
    const kept = await this.#cache.read(name);
    if (kept !== undefined) return readContents(kept.toString('latin1'));
    if (this.#options.offline === true) throw notCachedFault(uri, path);
    const url = `${uri}/dists/${known.suite}/${path}`;
    this.#options.onProgress?.({ what: 'contents', url });
    const text = await packContents(decompressed(await indexFile(known, uri, path, this.#reader), path));
    await this.#cache.write(name, text);
    return readContents(text);
  }
}
