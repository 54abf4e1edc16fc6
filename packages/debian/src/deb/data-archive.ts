import { createHash } from 'node:crypto';
import { Fault, type FileContent, type TreeEntry } from '@mir/core';
import type { DebianFaultCode } from '../fault.ts';
import { isMergedFolder, mergedPath } from '../tree/merged-usr.ts';
import { malformedFault } from './ar.ts';
import { ByteReader } from './byte-reader.ts';
import type { ControlMember } from './control-archive.ts';
import type { DebFacts, DebOptions, LibraryFact, PathFact } from './deb-facts.ts';
import { sonameOf } from './elf.ts';
import { keptContents } from './kept-contents.ts';
import { groupId, userId } from './static-ids.ts';
import { nextTarHeader, paddedSize, type TarHeader } from './tar.ts';

const wholeFileBytes = 512 * 1024;
/** How much of a library is held to find its SONAME; the strings of the biggest ones still lie within. */
const libraryHeadBytes = 24 * 1024 * 1024;
/** How much more room is taken than a file needs, at most. */
const spareRoomBytes = 1024 * 1024;
const memberLimit = 1_000_000;
const libraryPattern = /^(?:usr\/)?(?:local\/)?lib[^/]*\/(?:[^/]+\/){0,2}(?:lib|ld)[^/]*\.so(?:\.[^/]*)?$/;

/** The files of a package: turns data.tar into entries and notes what configuring needs to know of them. */
export class DataArchive {
  /** Paths as in the archive, with a leading slash: what dpkg lists. */
  readonly originalPaths: string[] = [];
  newestMtimeSeconds = 0;
  readonly #options: DebOptions;
  readonly #subject: string;
  readonly #conffiles: ReadonlyMap<string, number>;
  readonly #isKept: ReturnType<typeof keptContents>;
  readonly #types = new Map<string, TarHeader['type']>();
  readonly #paths: PathFact[] = [];
  readonly #contents: Record<string, string> = {};
  readonly #conffileSums = new Map<string, string>();
  readonly #libraries: LibraryFact[] = [];
  #unpackedSizeBytes = 0;
  /** Files pass through here one after the other: nine thousand buffers would wait for a collection. */
  #room = Buffer.alloc(0);
  #reader: ByteReader | undefined;

  constructor(members: ReadonlyMap<string, ControlMember>, options: DebOptions, subject: string) {
    this.#options = options;
    this.#subject = subject;
    const conffiles = (members.get('conffiles')?.bytes.toString('utf8') ?? '')
      .split('\n')
      .filter((line) => line.startsWith('/'));
    this.#conffiles = new Map(conffiles.map((path, position) => [path.trimEnd(), position]));
    this.#isKept = keptContents(members, new Set(this.#conffiles.keys()));
  }

  /** The entries of data.tar. The content of a file is good until the next entry is asked for. */
  async *entries(tar: AsyncIterable<Uint8Array>): AsyncGenerator<TreeEntry> {
    const reader = new ByteReader(tar);
    this.#reader = reader;
    try {
      for (let header = await nextTarHeader(reader); header !== undefined; header = await nextTarHeader(reader)) {
        this.#checkBudget(header);
        const original = this.#safePath(header.path);
        this.originalPaths.push(original === '' ? '/.' : `/${original}`);
        if (original === '') continue;
        const path = this.#pathOnDisk(original, header);
        if (this.#isRepeatedDirectory(path, header)) continue;
        yield* this.#entry(path, original, header);
      }
      while ((await reader.piece(1 << 20)) !== undefined);
    } finally {
      await reader.close();
    }
  }

  facts(): Pick<
    DebFacts,
    'paths' | 'contents' | 'conffiles' | 'libraries' | 'newestMtimeSeconds' | 'unpackedSizeBytes'
  > {
    const sums = [...this.#conffileSums].sort(
      ([a], [b]) => (this.#conffiles.get(a) ?? 0) - (this.#conffiles.get(b) ?? 0),
    );
    return {
      paths: this.#paths,
      contents: this.#contents,
      conffiles: sums,
      libraries: this.#libraries,
      newestMtimeSeconds: this.newestMtimeSeconds,
      unpackedSizeBytes: this.#unpackedSizeBytes,
    };
  }

  async *#entry(path: string, original: string, header: TarHeader): AsyncGenerator<TreeEntry> {
    const { mode, mtimeSeconds } = header;
    const uid = userId(header.userName, header.uid);
    const gid = groupId(header.groupName, header.gid);
    this.newestMtimeSeconds = Math.max(this.newestMtimeSeconds, mtimeSeconds);
    const facts = {
      path,
      mode,
      uid,
      gid,
      mtimeSeconds,
      ...(Object.keys(header.xattrs).length > 0 && { xattrs: header.xattrs }),
    };
    if (header.type === 'directory') {
      this.#paths.push({ t: 'd', n: path, m: mode, u: uid, g: gid });
      yield { type: 'directory', ...facts };
    } else if (header.type === 'symlink') {
      if (header.target === '') throw this.#unsafe(original, 'it is a link to nothing');
      this.#paths.push({ t: 'l', n: path, to: header.target });
      yield { type: 'symlink', ...facts, mode: 0o777, target: header.target };
    } else if (header.type === 'hardlink') {
      const target = this.#pathOnDisk(this.#safePath(header.target), header);
      if (this.#types.get(target) !== 'file')
        throw this.#unsafe(original, `it is a hard link to "${header.target}", which did not come before it`);
      this.#types.set(path, 'file');
      this.#paths.push({ t: 'f', n: path, m: mode, u: uid, g: gid });
      yield { type: 'hardlink', ...facts, target };
    } else {
      this.#paths.push({ t: 'f', n: path, m: mode, u: uid, g: gid });
      yield* this.#file(facts, original, header.sizeBytes);
    }
  }

  async *#file(
    facts: Omit<TreeEntry & { type: 'file' }, 'type' | 'content'>,
    original: string,
    sizeBytes: number,
  ): AsyncGenerator<TreeEntry> {
    const reader = this.#reader;
    if (reader === undefined) return;
    const isLibrary = libraryPattern.test(facts.path);
    const isConffile = this.#conffiles.has(`/${original}`);
    const isKept = this.#isKept(facts.path, original, sizeBytes);
    if (sizeBytes <= wholeFileBytes || isKept || isConffile || (isLibrary && sizeBytes <= libraryHeadBytes)) {
      const room = this.#roomFor(paddedSize(sizeBytes));
      const bytes = (await reader.take(paddedSize(sizeBytes), room)).subarray(0, sizeBytes);
      if (isLibrary) this.#noteLibrary(facts.path, bytes);
      if (isConffile) this.#conffileSums.set(`/${original}`, createHash('md5').update(bytes).digest('hex'));
      if (isKept) this.#contents[facts.path] = bytes.toString('base64');
      yield { type: 'file', ...facts, content: { kind: 'bytes', bytes } };
      return;
    }
    const head = isLibrary ? this.#roomFor(libraryHeadBytes).subarray(0, libraryHeadBytes) : undefined;
    let readBytes = 0;
    const subject = this.#subject;
    async function* chunks(source: ByteReader): AsyncGenerator<Uint8Array> {
      while (readBytes < sizeBytes) {
        const piece = await source.piece(sizeBytes - readBytes);
        // Who reads the contents gets this, and not who reads the entries: it has to be a fault already.
        if (piece === undefined) throw malformedFault(subject, `it ends within "${original}"`);
        if (head !== undefined && readBytes < head.length) piece.copy(head, readBytes);
        readBytes += piece.length;
        yield piece;
      }
    }
    const content: FileContent = { kind: 'stream', sizeBytes, chunks: chunks(reader) };
    yield { type: 'file', ...facts, content };
    if (readBytes !== sizeBytes) await reader.skip(sizeBytes - readBytes);
    await reader.skip(paddedSize(sizeBytes) - sizeBytes);
    if (head !== undefined) this.#noteLibrary(facts.path, head.subarray(0, readBytes));
  }

  /** Room for so many bytes, and for a little more where that spares the next file another one. */
  #roomFor(sizeBytes: number): Buffer {
    if (this.#room.length < sizeBytes) {
      this.#room = Buffer.allocUnsafeSlow(sizeBytes + Math.min(sizeBytes, spareRoomBytes));
    }
    return this.#room;
  }

  #noteLibrary(path: string, bytes: Buffer): void {
    const soname = sonameOf(bytes);
    const isElf = bytes.length > 64 && bytes.readUInt32BE(0) === 0x7f454c46 && bytes.readUInt16LE(16) === 3;
    if (isElf) this.#libraries.push({ path, soname: soname ?? path.slice(path.lastIndexOf('/') + 1) });
  }

  /** Links into /usr stay what they are (base-files ships them since trixie); everything below them moves. */
  #pathOnDisk(path: string, header: TarHeader): string {
    if (!this.#options.mergedUsr || (header.type === 'symlink' && isMergedFolder(path))) return path;
    return mergedPath(path);
  }

  #safePath(path: string): string {
    const clean = path.replace(/^\.\//, '').replace(/\/$/, '');
    if (clean === '.' || clean === '') return '';
    if (
      clean.startsWith('/') ||
      clean.includes('\0') ||
      clean.split('/').some((part) => part === '..' || part === '.' || part === '' || part.length > 255) ||
      clean.length > 4000
    ) {
      throw this.#unsafe(path, 'its path leaves the tree, is too long or is not plain');
    }
    return clean;
  }

  #isRepeatedDirectory(path: string, header: TarHeader): boolean {
    if (header.type === 'other') {
      throw this.#unsafe(
        header.path,
        `it is a device, a pipe or something else (type "${header.typeFlag}") that no layer may hold`,
      );
    }
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const above = path.slice(0, slash);
      const type = this.#types.get(above);
      if (type === 'directory') break;
      if (type !== undefined)
        throw this.#unsafe(header.path, `it lies below ${above}, which is a ${type} of the same package`);
    }
    const known = this.#types.get(path);
    this.#types.set(path, header.type);
    if (known === undefined) return false;
    if (known === 'directory' && header.type === 'directory') return true;
    throw this.#unsafe(header.path, 'it is there twice');
  }

  #checkBudget(header: TarHeader): void {
    if (!Number.isSafeInteger(header.sizeBytes) || header.sizeBytes < 0)
      throw this.#unsafe(header.path, 'its size is none');
    this.#unpackedSizeBytes += header.sizeBytes;
    const limitBytes = Math.max(1 << 30, this.#options.package.sizeBytes * 300);
    if (this.#unpackedSizeBytes > limitBytes || this.originalPaths.length > memberLimit) {
      throw this.#unsafe(header.path, `the package unpacks to more than ${limitBytes} bytes or ${memberLimit} files`);
    }
  }

  #unsafe(path: string, why: string): Fault<DebianFaultCode> {
    return new Fault('deb/unsafe', {
      what: `${this.#subject} holds "${path}", which is refused: ${why}`,
      subject: this.#subject,
      hint: 'Do not use this package: no package of the Debian archive looks like this.',
    });
  }
}
