import { Fault, type FileContent, type FileEntry, type TreeEntry } from '@mir/core';
import type { Digest } from '../digest.ts';
import type { OciFaultCode } from '../fault.ts';
import { endOfArchive } from './gzip-member.ts';
import { MemberStream } from './member-stream.ts';
import { encodeTarHeader, paddingAfter, requireRelativePath, type TarHeader } from './tar-header.ts';

/**
 * Where a layer's bytes go, for example a blob writer. A chunk must not be kept after `write` has returned (or its
 * promise resolved). A sink that hashes what passes says so with `digest`, and is then not hashed a second time.
 */
export type LayerSink = { write(chunk: Uint8Array): Promise<void> | void; digest?(): Digest };

/** Where the content of one file lies in the compressed layer: whole gzip members that inflate to just this file. */
export type ContentPlace = { readonly offsetBytes: number; readonly compressedSizeBytes: number };

/** A finished layer. */
export type WrittenLayer = {
  readonly digest: Digest;
  /** The digest of the uncompressed tar archive. */
  readonly diffId: Digest;
  readonly sizeBytes: number;
  readonly uncompressedSizeBytes: number;
};

// Content that comes uncompressed is cut into members of this size, however it arrives: the bytes must not depend on
// the sizes of the chunks, and memory stays bounded.
const pieceBytes = 1024 * 1024;

/**
 * Writes a layer: a tar archive as a gzip file of many members (RFC 1952), so that content that is deflated already, as
 * in a wheel, is copied and not compressed again. The same entries give the same bytes on every host.
 */
export class LayerWriter {
  #members: MemberStream;
  #state: 'open' | 'busy' | 'broken' | 'finished' = 'open';

  constructor(sink: LayerSink) {
    this.#members = new MemberStream(sink);
  }

  /**
   * Appends one entry and reads its content to the end.
   * @returns where the content lies in the compressed stream
   * @throws Fault `layer/path`; `layer/size-mismatch` when the content is not as long as declared: the layer is
   * unusable then, and every later call throws `layer/unusable`
   */
  async add(entry: TreeEntry): Promise<ContentPlace> {
    this.#requireOpen();
    const header = encodeTarHeader(headerOf(entry));
    this.#state = 'broken';
    const adding = this.#members.generate(header);
    if (adding !== undefined) await adding;
    const place =
      entry.type === 'file'
        ? await this.#addContent(entry)
        : { offsetBytes: this.#members.positionBytes, compressedSizeBytes: 0 };
    this.#state = 'open';
    return place;
  }

  /** Ends the archive. The sink has everything then; committing it is its owner's affair. @throws Fault `layer/unusable` */
  async finish(): Promise<WrittenLayer> {
    this.#requireOpen();
    this.#state = 'broken';
    const written = await this.#members.finish();
    this.#state = 'finished';
    return written;
  }

  async #addContent(entry: FileEntry): Promise<ContentPlace> {
    const content = entry.content;
    const declaredBytes = sizeOf(content);
    if (declaredBytes > 0) await this.#members.flush();
    const offsetBytes = this.#members.positionBytes;
    const actualBytes = await this.#writeContent(entry.path, content, declaredBytes);
    if (actualBytes !== declaredBytes) throw sizeMismatch(entry.path, declaredBytes, actualBytes);
    const place = { offsetBytes, compressedSizeBytes: this.#members.positionBytes - offsetBytes };
    const padding = paddingAfter(declaredBytes);
    if (padding > 0) await this.#members.generate(endOfArchive.subarray(0, padding));
    return place;
  }

  async #writeContent(path: string, content: FileContent, declaredBytes: number): Promise<number> {
    if (content.kind === 'bytes') {
      for (let at = 0; at < content.bytes.length; at += pieceBytes) {
        await this.#members.compress(content.bytes.subarray(at, at + pieceBytes));
      }
      return content.bytes.length;
    }
    if (content.kind === 'stream') return await this.#writeStream(path, content.chunks, declaredBytes);
    if (declaredBytes === 0) {
      let inflatedBytes = 0;
      for await (const chunk of content.chunks) inflatedBytes += chunk.inflated.length;
      return inflatedBytes;
    }
    return await this.#splice(path, content);
  }

  async #writeStream(
    path: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    declaredBytes: number,
  ): Promise<number> {
    const piece = Buffer.allocUnsafeSlow(Math.max(1, Math.min(pieceBytes, declaredBytes)));
    let filled = 0;
    let total = 0;
    for await (const chunk of chunks) {
      total += chunk.length;
      if (total > declaredBytes) throw sizeMismatch(path, declaredBytes, total);
      for (let at = 0; at < chunk.length; ) {
        const taken = Math.min(piece.length - filled, chunk.length - at);
        piece.set(chunk.subarray(at, at + taken), filled);
        filled += taken;
        at += taken;
        if (filled < piece.length) continue;
        await this.#members.compress(piece);
        filled = 0;
      }
    }
    if (filled > 0) await this.#members.compress(piece.subarray(0, filled));
    return total;
  }

  async #splice(path: string, content: Extract<FileContent, { kind: 'deflated' }>): Promise<number> {
    const begun = this.#members.beginMember(content.compressedSizeBytes);
    if (begun !== undefined) await begun;
    let inflatedBytes = 0;
    let deflatedBytes = 0;
    const take = (chunk: {
      readonly deflated: Uint8Array;
      readonly inflated: Uint8Array;
    }): Promise<void> | undefined => {
      inflatedBytes += chunk.inflated.length;
      if (inflatedBytes > content.sizeBytes) throw sizeMismatch(path, content.sizeBytes, inflatedBytes);
      deflatedBytes += chunk.deflated.length;
      if (chunk.inflated.length > 0) this.#members.count(chunk.inflated);
      return this.#members.copy(chunk.deflated);
    };
    // A plain loop where the chunks are at hand: thousands of small files would otherwise wait for a turn each.
    if (Symbol.iterator in content.chunks) {
      for (const chunk of content.chunks) {
        const writing = take(chunk);
        if (writing !== undefined) await writing;
      }
    } else {
      for await (const chunk of content.chunks) {
        const writing = take(chunk);
        if (writing !== undefined) await writing;
      }
    }
    if (deflatedBytes !== content.compressedSizeBytes) {
      throw sizeMismatch(path, content.compressedSizeBytes, deflatedBytes);
    }
    const ended = this.#members.endMember(content.crc32, content.sizeBytes);
    if (ended !== undefined) await ended;
    return inflatedBytes;
  }

  #requireOpen(): void {
    if (this.#state === 'open') return;
    throw new Fault<OciFaultCode>('layer/unusable', {
      what:
        this.#state === 'finished'
          ? 'This layer is finished already'
          : 'This layer is unusable: an entry could not be written, or two were written at once',
      hint: 'Throw the layer away and write it anew.',
    });
  }
}

function sizeOf(content: FileContent): number {
  return content.kind === 'bytes' ? content.bytes.length : content.sizeBytes;
}

function headerOf(entry: TreeEntry): TarHeader {
  const facts = {
    path: requireRelativePath(entry.path),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: entry.mtimeSeconds,
    ...(entry.xattrs === undefined ? {} : { xattrs: entry.xattrs }),
  };
  switch (entry.type) {
    case 'file':
      return { ...facts, typeFlag: '0', sizeBytes: sizeOf(entry.content) };
    case 'directory':
      return { ...facts, typeFlag: '5', sizeBytes: 0 };
    case 'symlink':
      return { ...facts, typeFlag: '2', sizeBytes: 0, linkTarget: requireLinkTarget(entry.path, entry.target) };
    case 'hardlink':
      return { ...facts, typeFlag: '1', sizeBytes: 0, linkTarget: requireRelativePath(entry.target) };
  }
}

function requireLinkTarget(path: string, target: string): string {
  if (target.length > 0 && target.length <= 4096 && !target.includes('\0')) return target;
  throw new Fault<OciFaultCode>('layer/path', {
    what: `The symbolic link "${path}" has a target that is empty, too long or holds a zero byte`,
    subject: path,
    hint: 'Leave the link out or give it a target.',
  });
}

function sizeMismatch(path: string, declaredBytes: number, actualBytes: number): Fault<OciFaultCode> {
  const came = actualBytes > declaredBytes ? `at least ${actualBytes}` : String(actualBytes);
  return new Fault<OciFaultCode>('layer/size-mismatch', {
    what: `"${path}" was declared with ${declaredBytes} bytes, but ${came} came`,
    subject: path,
    hint: 'The source of this file is damaged or lies about its size: get it again.',
  });
}
