import type { Package } from '../package.ts';

/** Raised whenever the same .deb would be turned into other bytes than before: part of every key of a converted .deb. */
export const debConverterVersion = 1;

/** What the name of a path of a package stands for. `n` is the path, without a leading slash, as it lies on disk. */
export type PathFact =
  | { readonly t: 'f'; readonly n: string; readonly m: number; readonly u: number; readonly g: number }
  | { readonly t: 'd'; readonly n: string; readonly m: number; readonly u: number; readonly g: number }
  | { readonly t: 'l'; readonly n: string; readonly to: string };

/** A shared library, as ld.so.cache lists it. */
export type LibraryFact = {
  /** Path on disk, without a leading slash. */
  readonly path: string;
  readonly soname: string;
};

/**
 * Everything that the dpkg database and the configuration of packages need to know of one .deb: plain data that can
 * be kept as JSON under the .deb's sha256, {@link DebFacts.mergedUsr} and {@link debConverterVersion}.
 */
export type DebFacts = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly sha256: string;
  readonly mergedUsr: boolean;
  /** The text of `control`. */
  readonly control: string;
  /** Text members of control.tar (scripts, conffiles, triggers, templates…) by name, without `control` and md5sums. */
  readonly members: Readonly<Record<string, string>>;
  readonly paths: readonly PathFact[];
  /** MD5 sums of the conffiles by absolute path, in the order of `conffiles`. */
  readonly conffiles: readonly (readonly [path: string, md5: string])[];
  /** Contents (base64) of the few files that configuring reads or changes, by path. */
  readonly contents: Readonly<Record<string, string>>;
  readonly libraries: readonly LibraryFact[];
  /** The newest mtime of the package's files: generated files take the newest of all packages. */
  readonly newestMtimeSeconds: number;
  readonly unpackedSizeBytes: number;
};

/** What a .deb is asked to be. */
export type DebOptions = {
  readonly package: Pick<Package, 'name' | 'version' | 'sha256' | 'sizeBytes'>;
  /** Whether /bin, /sbin and /lib are links into /usr in the tree that the package goes to. */
  readonly mergedUsr: boolean;
};
