import { createHash } from 'node:crypto';
import { Fault, isFault } from '@mir/core';
import { HttpClient } from '@mir/http';
import type { Key } from 'openpgp';
import { decompressed } from '../deb/decompression.ts';
import { letGoOfXzDecoder } from '../deb/xz.ts';
import type { DebianFaultCode } from '../fault.ts';
import type { Package, Suite } from '../package.ts';
import { compareVersions } from '../version/version.ts';
import type { ArchiveSettings } from './archive-settings.ts';
import { CacheFolder } from './cache-folder.ts';
import { indexFile, notCachedFault } from './index-file.ts';
import { LibraryIndex } from './library-index.ts';
import { PackageIndex, packPackages } from './package-index.ts';
import { debianArchiveKeys, keysOf } from './release.ts';
import { type ExpectedFile, SourceReader } from './source-reader.ts';
import { distrustSuite, freshSuite, type KnownSuite } from './suite-index.ts';

export type ArchiveProgress = { readonly what: 'release' | 'packages' | 'contents'; readonly url: string };

export type ArchiveOptions = {
  readonly settings: ArchiveSettings;
  readonly suite: Suite;
  readonly architecture: 'amd64' | 'arm64';
  /** Where indexes are kept; may be shared by processes. */
  readonly cacheDirectory: string;
  readonly http: HttpClient;
  readonly now: Date;
  /** Nothing is fetched: what is kept counts, however old it is. */
  readonly offline?: boolean;
  /** Armored public keys in the place of the Debian archive's. */
  readonly keys?: string;
  readonly onProgress?: (progress: ArchiveProgress) => void;
};

/**
 * Which indexes an archive has at the moment, before any of them is read: they are tens of megabytes, and who asks the
 * same of the same indexes again gets the same answer.
 */
export type ArchiveSnapshot = {
  /** Follows from the digests of all package indexes and where they come from. */
  readonly identity: string;
  /** Reads the indexes of packages. @throws Fault `archive/*` */
  readonly open: () => Promise<Archive>;
  /** As the archive's own {@link Archive.packagesWithLibrary}, without reading the indexes of packages. */
  readonly packagesWithLibrary: (soname: string) => Promise<readonly string[]>;
};

type SuiteOfSource = { readonly index: PackageIndex; readonly uri: string };

/** The packages of one suite with its updates and security fixes, from signed indexes (Debian repository format). */
export class Archive {
  readonly suite: Suite;
  readonly architecture: 'amd64' | 'arm64';
  readonly #parts: readonly SuiteOfSource[];
  readonly #reader: SourceReader;
  readonly #libraries: LibraryIndex;

  private constructor(
    options: ArchiveOptions,
    reader: SourceReader,
    libraries: LibraryIndex,
    parts: readonly SuiteOfSource[],
  ) {
    this.suite = options.suite;
    this.architecture = options.architecture;
    this.#reader = reader;
    this.#libraries = libraries;
    this.#parts = parts;
  }

  /**
   * Asks for the archive's indexes: those that were asked for in the last ten minutes count as they are. Signature, origin,
   * suite, validity and date of every Release are checked, and digests of everything else.
   * @throws Fault `archive/*`
   */
  static async snapshot(options: ArchiveOptions): Promise<ArchiveSnapshot> {
    const { proxy } = options.settings;
    const reader = new SourceReader(proxy === undefined ? options.http : new HttpClient({ proxy }));
    const cache = new CacheFolder(options.cacheDirectory);
    const keyring = keyringOf(options.keys);
    const wanted = options.settings.sources.flatMap((source) =>
      source.suites.map((suite) => ({ suite, uri: source.uri, components: source.components })),
    );
    const parts = await Promise.all(
      wanted.map(async ({ suite, uri, components }) => {
        const request = { ...options, suite, uri, reader, cache, keyring };
        const known = await freshSuite(request);
        return components.map((component) => ({
          request,
          known,
          uri,
          file: packagesFile(known, component, uri, options.architecture),
        }));
      }),
    );
    const listed = parts.flat();
    const libraries = new LibraryIndex(listed, options, reader, cache);
    const identity = listed.map(({ uri, known, file }) => `${uri} ${known.suite} ${file.path} ${file.sha256}`);
    return {
      identity: createHash('sha256').update(identity.join('\n')).digest('hex'),
      packagesWithLibrary: (soname) => libraries.packagesWith(soname),
      open: async () => {
        const read = listed.map(async ({ request, known, uri, file }) => {
          try {
            return { known, uri, index: await packageIndex(known, file, uri, options, reader, cache) };
          } catch (thrown) {
            await distrustSuite(request, known);
            throw thrown;
          }
        });
        return new Archive(options, reader, libraries, await Promise.all(read));
      },
    };
  }

  /** Asks for the archive's indexes and reads them. @throws Fault `archive/*` */
  static async open(options: ArchiveOptions): Promise<Archive> {
    return (await Archive.snapshot(options)).open();
  }

  /** The versions of a package that there are, the newest first, each once. */
  candidates(name: string): readonly Package[] {
    return newestFirst(this.#parts.flatMap((part) => part.index.named(name)));
  }

  /** The newest version of a package. */
  newest(name: string): Package | undefined {
    return this.candidates(name)[0];
  }

  /** Newest versions of packages that provide a name; their `provides` says which version of it. */
  providers(name: string): readonly Package[] {
    const found = this.#parts.flatMap((part) => part.index.providing(name));
    return found.filter((one) => this.newest(one.name) === one);
  }

  /** Newest versions of the packages with `Essential: yes`, by name. */
  essentialPackages(): readonly Package[] {
    return this.#newestOf(this.#parts.flatMap((part) => part.index.essential())).filter((one) => one.essential);
  }

  /** Newest versions of the packages of priority `required`, by name. */
  requiredPackages(): readonly Package[] {
    return this.#newestOf(this.#parts.flatMap((part) => part.index.required())).filter(
      (one) => one.priority === 'required',
    );
  }

  #newestOf(found: readonly Package[]): readonly Package[] {
    const names = new Set(found.map((one) => one.name));
    return [...names].sort().flatMap((name) => this.newest(name) ?? []);
  }

  /** The names of all packages, sorted. */
  packageNames(): readonly string[] {
    return [...new Set(this.#parts.flatMap((part) => [...part.index.names()]))].sort();
  }

  /** Packages that hold a shared library of this file name where the linker looks for it, by the Contents index. */
  packagesWithLibrary(soname: string): Promise<readonly string[]> {
    return this.#libraries.packagesWith(soname);
  }

  /** The bytes of a package's .deb. They are not checked here: `readDeb` does it while reading. */
  download(found: Package): AsyncIterable<Uint8Array> {
    return this.#reader.read(`${found.sourceUri}/${found.filename}`);
  }
}

function keyringOf(armored: string | undefined) {
  let keys: Promise<readonly Key[]> | undefined;
  return {
    identity: armored ?? 'debian',
    keys: () => {
      keys ??= armored === undefined ? debianArchiveKeys() : keysOf(armored);
      return keys;
    },
  };
}

function newestFirst(found: readonly Package[]): readonly Package[] {
  const once = new Map<string, Package>();
  for (const one of found) if (!once.has(one.version)) once.set(one.version, one);
  return [...once.values()].sort((a, b) => compareVersions(b.version, a.version));
}

type ListedFile = ExpectedFile & { readonly path: string };

/** The index of a component's packages, in the first form that the archive has it. */
function packagesFile(known: KnownSuite, component: string, uri: string, architecture: string): ListedFile {
  const folder = `${component}/binary-${architecture}/Packages`;
  const path = [`${folder}.xz`, `${folder}.gz`, folder].find((one) => known.files[one] !== undefined);
  const file = path === undefined ? undefined : known.files[path];
  if (path !== undefined && file !== undefined) return { ...file, path };
  throw new Fault<DebianFaultCode>('archive/no-index', {
    what: `${uri} has no packages of ${component} for ${architecture} in ${known.suite}`,
    subject: uri,
    hint: 'Use a mirror that carries this architecture.',
  });
}

async function packageIndex(
  known: KnownSuite,
  { path, sha256 }: ListedFile,
  uri: string,
  options: ArchiveOptions,
  reader: SourceReader,
  cache: CacheFolder,
): Promise<PackageIndex> {
  const name = `packages-3-${sha256}`;
  const open = async () => {
    const stored = await cache.find(name);
    return stored === undefined ? undefined : PackageIndex.of(stored, uri);
  };
  const kept = await open();
  if (kept !== undefined) return kept;
  if (options.offline === true) throw notCachedFault(uri, path);
  const url = `${uri}/dists/${known.suite}/${path}`;
  options.onProgress?.({ what: 'packages', url });
  const chunks = decompressed(await indexFile(known, uri, path, reader), path);
  await cache.write(name, packPackages(chunks, url)).catch((thrown: unknown) => {
    throw isFault(thrown, 'deb/malformed') ? damagedIndexFault(url, thrown) : thrown;
  });
  letGoOfXzDecoder(); // indexes are read at the start, and the .debs after them mostly in other threads
  const made = await open();
  if (made === undefined) throw new TypeError('a package index cannot be read back');
  return made;
}

function damagedIndexFault(url: string, cause: Fault): Fault<DebianFaultCode> {
  return new Fault('archive/wrong-hash', {
    what: `${url} is not the file that the archive signed: ${cause.message}`,
    subject: url,
    hint: 'Try again in a few minutes; if it stays, do not use this mirror.',
    cause,
  });
}
