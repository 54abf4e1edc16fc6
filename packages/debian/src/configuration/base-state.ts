import type { LibraryFact } from '../deb/deb-facts.ts';

/** A path of the tree below: type, then mode, owner and group, or the target of a link. */
export type NodeFact = readonly ['f' | 'd', mode: number, uid: number, gid: number] | readonly ['l', target: string];

/** What OS packages need to know of the tree that they go on top of. Plain data, for JSON. */
export type BaseState = {
  readonly suite: string;
  readonly architecture: 'amd64' | 'arm64';
  readonly mergedUsr: boolean;
  /** Every path, without a leading slash. */
  readonly nodes: Readonly<Record<string, NodeFact>>;
  /** Contents (base64) of the files that configuring reads: the dpkg database, users, alternatives, configuration. */
  readonly contents: Readonly<Record<string, string>>;
  readonly libraries: readonly LibraryFact[];
  readonly newestMtimeSeconds: number;
};

/** A package whose scripts do something that is not done natively: it can only be configured in a sandbox. */
export type Unconfigurable = { readonly package: string; readonly script: string; readonly why: string };
