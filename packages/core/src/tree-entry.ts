/**
 * One entry of a file tree on its way into a layer. Wheels and .debs are turned into these; layers are written from
 * them. Paths are relative to the image's root, `/`-separated, without a leading `/` or `./` and without `..`.
 */
export type TreeEntry = FileEntry | DirectoryEntry | SymlinkEntry | HardlinkEntry;

type EntryFacts = {
  readonly path: string;
  /** Permission bits, set-id and sticky bits included (0o7777 at most). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970. */
  readonly mtimeSeconds: number;
  /** Extended attributes by full name (`security.capability`), written as pax records. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
};

export type FileEntry = EntryFacts & { readonly type: 'file'; readonly content: FileContent };
export type DirectoryEntry = EntryFacts & { readonly type: 'directory' };
export type SymlinkEntry = EntryFacts & { readonly type: 'symlink'; readonly target: string };
/** `target` is the path of an entry that came earlier in the same tree. */
export type HardlinkEntry = EntryFacts & { readonly type: 'hardlink'; readonly target: string };

/** The bytes of a file. Streams can be read once, and only before the next entry is taken from the tree. */
export type FileContent =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'stream';
      readonly sizeBytes: number;
      readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
    }
  | {
      /** Already a raw deflate stream (RFC 1951), as in a zip: it can be put into a gzip member as it is. */
      readonly kind: 'deflated';
      readonly sizeBytes: number;
      /** Of the deflate stream. */
      readonly compressedSizeBytes: number;
      /** CRC-32 of the inflated bytes, unsigned; the producer has promised to check it while inflating. */
      readonly crc32: number;
      readonly chunks: AsyncIterable<DeflatedChunk> | Iterable<DeflatedChunk>;
    };

/**
 * A piece of a deflate stream with the bytes it inflated to. The pieces joined are the whole streams; within one
 * chunk the two need not correspond, and either may be empty. The inflated bytes are good until the next chunk (or the next
 * entry) is asked for: their room is used again.
 */
export type DeflatedChunk = { readonly deflated: Uint8Array; readonly inflated: Uint8Array };
