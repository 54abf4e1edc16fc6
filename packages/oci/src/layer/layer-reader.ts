import { Fault } from '@mir/core';
import type { OciFaultCode } from '../fault.ts';
import { ByteSource, cutShort } from './byte-source.ts';
import { decompress } from './decompression.ts';
import { damagedTar, decodePaxRecords, decodeTarHeader, paxNumber, type RawHeader, requireSize } from './tar-fields.ts';
import { blockBytes, paddingAfter } from './tar-header.ts';

/** One entry of a layer. Paths are relative, without `./` in front; hard links name paths, symlinks keep their text. */
export type LayerEntry = EntryFacts &
  (
    | {
        readonly type: 'file';
        readonly sizeBytes: number /** Read once, before the next entry. */;
        readonly content: AsyncIterable<Uint8Array>;
      }
    | { readonly type: 'directory' }
    | { readonly type: 'symlink'; readonly target: string }
    | { readonly type: 'hardlink'; readonly target: string }
    | { readonly type: 'character-device' | 'block-device' | 'fifo' }
    /** Hides `path` of the layers below (image-spec, layer.md, "Whiteouts"). */
    | { readonly type: 'whiteout' }
    /** Hides all that the layers below have in directory `path`. */
    | { readonly type: 'opaque' }
  );

type EntryFacts = {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
};

/** What a layer may be at most; past it, reading stops with a fault. */
export type LayerReadLimits = {
  /** Default: 5 million. */
  readonly entries?: number;
  /** The whole archive, uncompressed. Default: 128 GiB. */
  readonly uncompressedBytes?: number;
  /** One file. Default: the whole archive's limit. */
  readonly fileBytes?: number;
};

const longNameLimitBytes = 1024 * 1024;
const whiteoutPrefix = '.wh.';
const opaqueName = '.wh..wh..opq';

/**
 * The entries of a layer in order: gzip of any number of members, zstd or plain; ustar, pax and GNU names. The root
 * itself (`./`) is left out. Streams; the contents of files that are not read are skipped.
 * @throws Fault `layer/damaged`, `layer/path` for a path with `..`, `layer/too-large` past a limit
 */
export async function* readLayer(
  chunks: AsyncIterable<Uint8Array>,
  limits: LayerReadLimits = {},
): AsyncGenerator<LayerEntry, void, undefined> {
  const totalLimit = limits.uncompressedBytes ?? 128 * 1024 ** 3;
  const entryLimit = limits.entries ?? 5_000_000;
  const fileLimit = limits.fileBytes ?? totalLimit;
  const source = new ByteSource(limited(decompress(chunks), totalLimit));
  const extended = new ExtendedHeaders();
  try {
    for (let count = 0; ; ) {
      const block = source.takeAtHand(blockBytes) ?? (await source.take(blockBytes));
      const raw = block === undefined ? undefined : decodeTarHeader(block);
      if (raw === undefined) break;
      if (await extended.consume(raw, source)) continue;
      const header = extended.apply(raw);
      if (++count > entryLimit) throw tooLarge(`it has more than ${entryLimit} entries`);
      const hasContent = isFileFlag(header.typeFlag) && !isDirectoryName(header);
      const sizeBytes = hasContent ? header.sizeBytes : 0;
      if (sizeBytes > fileLimit) throw tooLarge(`"${header.name}" has ${sizeBytes} bytes, more than ${fileLimit}`);
      const content = new EntryContent(source, sizeBytes);
      const entry = entryOf(header, content);
      if (entry !== undefined) yield entry;
      await content.finish();
      if (!hasContent && header.sizeBytes > 0 && !isLinkFlag(header.typeFlag))
        await source.skip(header.sizeBytes + paddingAfter(header.sizeBytes));
    }
    await source.drain();
  } finally {
    await source.close();
  }
}

/** Header blocks that say something of the entry after them: pax records, GNU's long names. */
class ExtendedHeaders {
  #global: ReadonlyMap<string, Uint8Array> = new Map();
  #local: ReadonlyMap<string, Uint8Array> = new Map();
  #longName: string | undefined;
  #longTarget: string | undefined;

  async consume(header: RawHeader, source: ByteSource): Promise<boolean> {
    switch (header.typeFlag) {
      case 'x':
        this.#local = decodePaxRecords(await readData(header, source));
        return true;
      case 'g':
        this.#global = new Map([...this.#global, ...decodePaxRecords(await readData(header, source))]);
        return true;
      case 'L':
        this.#longName = zeroTerminated(await readData(header, source));
        return true;
      case 'K':
        this.#longTarget = zeroTerminated(await readData(header, source));
        return true;
      default:
        return false;
    }
  }

  apply(header: RawHeader): RawHeader & { readonly xattrs: Readonly<Record<string, Uint8Array>> } {
    const records = this.#global.size === 0 ? this.#local : new Map([...this.#global, ...this.#local]);
    const text = (key: string): string | undefined => {
      const value = records.get(key);
      return value === undefined ? undefined : Buffer.from(value).toString('utf8');
    };
    const number = (key: string): number | undefined => {
      const value = records.get(key);
      return value === undefined ? undefined : paxNumber(value);
    };
    const xattrs: Record<string, Uint8Array> = {};
    for (const [key, value] of records)
      if (key.startsWith('SCHILY.xattr.')) xattrs[key.slice('SCHILY.xattr.'.length)] = value;
    const complete = {
      name: text('path') ?? this.#longName ?? header.name,
      typeFlag: header.typeFlag,
      mode: header.mode,
      uid: number('uid') ?? header.uid,
      gid: number('gid') ?? header.gid,
      sizeBytes: requireSize(number('size') ?? header.sizeBytes),
      mtimeSeconds: number('mtime') ?? header.mtimeSeconds,
      linkTarget: text('linkpath') ?? this.#longTarget ?? header.linkTarget,
      xattrs,
    };
    this.#local = new Map();
    this.#longName = undefined;
    this.#longTarget = undefined;
    return complete;
  }
}

/** The content of one file: what its reader leaves is skipped. */
class EntryContent implements AsyncIterable<Uint8Array> {
  #source: ByteSource;
  #sizeBytes: number;
  #left: number;

  constructor(source: ByteSource, sizeBytes: number) {
    this.#source = source;
    this.#sizeBytes = sizeBytes;
    this.#left = sizeBytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    while (this.#left > 0) {
      const part = await this.#source.takeSome(this.#left);
      if (part === undefined) throw cutShort();
      this.#left -= part.length;
      yield part;
    }
  }

  async finish(): Promise<void> {
    const skipped = this.#left + paddingAfter(this.#sizeBytes);
    this.#left = 0;
    if (skipped > 0 && this.#source.takeAtHand(skipped) === undefined) await this.#source.skip(skipped);
  }
}

function entryOf(
  header: RawHeader & { readonly xattrs: Readonly<Record<string, Uint8Array>> },
  content: EntryContent & AsyncIterable<Uint8Array>,
): LayerEntry | undefined {
  const path = normalPath(header.name);
  if (path === '') return undefined;
  const { mode, uid, gid, mtimeSeconds, xattrs } = header;
  const facts = { path, mode, uid, gid, mtimeSeconds, ...(Object.keys(xattrs).length === 0 ? {} : { xattrs }) };
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  if (name === opaqueName) return { ...facts, type: 'opaque', path: slash === -1 ? '' : path.slice(0, slash) };
  if (name.startsWith(whiteoutPrefix)) {
    const hidden = requireName(name.slice(whiteoutPrefix.length), path);
    return { ...facts, type: 'whiteout', path: slash === -1 ? hidden : `${path.slice(0, slash)}/${hidden}` };
  }
  switch (header.typeFlag) {
    case '1':
      return { ...facts, type: 'hardlink', target: normalPath(header.linkTarget) };
    case '2':
      return { ...facts, type: 'symlink', target: header.linkTarget };
    case '3':
      return { ...facts, type: 'character-device' };
    case '4':
      return { ...facts, type: 'block-device' };
    case '5':
      return { ...facts, type: 'directory' };
    case '6':
      return { ...facts, type: 'fifo' };
    default:
      break;
  }
  if (!isFileFlag(header.typeFlag)) throw damagedTar(`"${path}" is of the unknown type "${header.typeFlag}"`);
  if (isDirectoryName(header)) return { ...facts, type: 'directory' };
  return { ...facts, type: 'file', sizeBytes: header.sizeBytes, content };
}

/** A path without `./` and slashes in front, behind and doubled. @throws Fault `layer/path` */
function normalPath(name: string): string {
  if (
    !name.includes('..') &&
    !name.includes('//') &&
    !name.startsWith('.') &&
    !name.startsWith('/') &&
    !name.endsWith('/') &&
    !name.includes('/.')
  ) {
    return name.includes('\0') ? refusePath(name) : name;
  }
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0')) return refusePath(name);
  return parts.join('/');
}

function refusePath(name: string): never {
  throw new Fault<OciFaultCode>('layer/path', {
    what: `A layer holds the path "${name.slice(0, 300)}", which leads out of the image`,
    subject: name.slice(0, 300),
    hint: 'Do not use this image: no honest tool makes such a layer.',
  });
}

function requireName(name: string, path: string): string {
  return name === '' || name === '.' || name === '..' ? refusePath(path) : name;
}

function isFileFlag(flag: string): boolean {
  return flag === '0' || flag === '\0' || flag === '7';
}

function isLinkFlag(flag: string): boolean {
  return flag === '1' || flag === '2' || flag === '3' || flag === '4' || flag === '5' || flag === '6';
}

/** Old tar marks directories by a slash at the end of the name alone. */
function isDirectoryName(header: { readonly name: string; readonly typeFlag: string }): boolean {
  return header.typeFlag !== '5' && header.name.endsWith('/');
}

async function readData(header: RawHeader, source: ByteSource): Promise<Uint8Array> {
  if (header.sizeBytes > longNameLimitBytes) throw tooLarge(`an extended header has ${header.sizeBytes} bytes`);
  const data = header.sizeBytes === 0 ? new Uint8Array(0) : await source.take(header.sizeBytes);
  if (data === undefined) throw cutShort();
  const copy = Uint8Array.from(data);
  await source.skip(paddingAfter(header.sizeBytes));
  return copy;
}

function zeroTerminated(data: Uint8Array): string {
  const end = data.indexOf(0);
  return Buffer.from(end === -1 ? data : data.subarray(0, end)).toString('utf8');
}

async function* limited(chunks: AsyncIterable<Uint8Array>, limitBytes: number): AsyncIterable<Uint8Array> {
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > limitBytes) throw tooLarge(`it inflates to more than ${limitBytes} bytes`);
    yield chunk;
  }
}

function tooLarge(why: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('layer/too-large', {
    what: `A layer is refused: ${why}`,
    hint: 'Use an image with smaller layers, or raise the limit if you trust it.',
  });
}
