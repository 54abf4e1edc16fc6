import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFault } from '@mir/core';
import { type HttpClient, statusOf } from '@mir/http';
import { pythonFault } from '../fault.ts';

/** The bytes of a wheel, wherever they are. */
export interface WheelSource {
  readonly sizeBytes: number;
  /** A part of it; used for the tail, where a zip keeps its directory. */
  readAt(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
  /** The whole of it from the first byte, once; a chunk is good until the next is asked for. */
  stream(): AsyncIterable<Uint8Array>;
  /** Lets go of files and memory; to be called at the end, whatever that was. */
  close(): Promise<void>;
}

export type RemoteWheelOptions = {
  readonly headers?: Readonly<Record<string, string>>;
  /** Where a wheel is kept while it is read when its server cannot send parts of files. */
  readonly temporaryDirectory?: string;
  readonly signal?: AbortSignal;
};

const pieceBytes = 512 * 1024;
/** Up to this size one request for the whole costs less than one for the tail and one for the whole. */
const smallWheelBytes = 1024 * 1024;
const leastTailBytes = 256 * 1024;

/** A wheel in a file. @throws Fault `wheel/unreadable` */
export async function localWheel(path: string): Promise<WheelSource> {
  try {
    const file = await open(path, 'r');
    return new FileWheel(file, (await file.stat()).size, path);
  } catch (thrown) {
    throw pythonFault('wheel/unreadable', {
      what: `${path} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      subject: path,
      hint: 'Check that the file exists and may be read.',
      cause: thrown,
    });
  }
}

/**
 * A wheel at an address. Parts come by ranged requests, the whole by one request that resumes; a wheel whose server
 * cannot send parts goes through a temporary file first. Faults of the transport (`http/…`) pass through.
 */
export function remoteWheel(
  http: HttpClient,
  url: string,
  sizeBytes: number,
  options: RemoteWheelOptions = {},
): WheelSource {
  return new RemoteWheel(http, url, sizeBytes, options);
}

class FileWheel implements WheelSource {
  readonly sizeBytes: number;
  readonly #file: FileHandle;
  readonly #shown: string;

  constructor(file: FileHandle, sizeBytes: number, shown: string) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
    this.#shown = shown;
  }

  async readAt(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(lengthBytes);
    for (let filled = 0; filled < lengthBytes; ) {
      const { bytesRead } = await this.#file.read(bytes, filled, lengthBytes - filled, offsetBytes + filled);
      if (bytesRead === 0) throw shortRead(this.#shown, offsetBytes + filled);
      filled += bytesRead;
    }
    return bytes;
  }

  async *stream(): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(pieceBytes);
    for (let position = 0; ; ) {
      const { bytesRead } = await this.#file.read(bytes, 0, pieceBytes, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield bytes.subarray(0, bytesRead);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

class RemoteWheel implements WheelSource {
  readonly sizeBytes: number;
  readonly #http: HttpClient;
  readonly #url: string;
  readonly #options: RemoteWheelOptions;
  /** The part that was read last: directories and metadata lie side by side. */
  #part: { readonly offsetBytes: number; readonly bytes: Uint8Array } | undefined;
  #spooled: FileWheel | undefined;

  constructor(http: HttpClient, url: string, sizeBytes: number, options: RemoteWheelOptions) {
    this.#http = http;
    this.#url = url;
    this.sizeBytes = sizeBytes;
    this.#options = options;
  }

  async readAt(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const known = this.#known(offsetBytes, lengthBytes);
    if (known !== undefined) return known;
    if (this.#spooled !== undefined) return this.#spooled.readAt(offsetBytes, lengthBytes);
    const end = offsetBytes + lengthBytes;
    const start = this.sizeBytes <= smallWheelBytes ? 0 : Math.max(0, Math.min(offsetBytes, end - leastTailBytes));
    const length = (this.sizeBytes <= smallWheelBytes ? this.sizeBytes : end) - start;
    if (length === this.sizeBytes) await this.#readAll();
    else await this.#readPart(start, length);
    return this.#known(offsetBytes, lengthBytes) ?? this.readAt(offsetBytes, lengthBytes);
  }

  async *stream(): AsyncGenerator<Uint8Array> {
    const whole = this.#known(0, this.sizeBytes);
    if (whole !== undefined) yield whole;
    else if (this.#spooled !== undefined) yield* this.#spooled.stream();
    else {
      const room = Buffer.allocUnsafeSlow(pieceBytes);
      yield* (await this.#http.download(this.#url, { ...this.#common(), room })).chunks;
    }
  }

  async close(): Promise<void> {
    this.#part = undefined;
    await this.#spooled?.close();
    this.#spooled = undefined;
  }

  #known(offsetBytes: number, lengthBytes: number): Uint8Array | undefined {
    const part = this.#part;
    if (part === undefined || offsetBytes < part.offsetBytes) return undefined;
    const at = offsetBytes - part.offsetBytes;
    return at + lengthBytes <= part.bytes.length ? part.bytes.subarray(at, at + lengthBytes) : undefined;
  }

  async #readAll(): Promise<void> {
    const { chunks } = await this.#http.download(this.#url, this.#common());
    this.#part = { offsetBytes: 0, bytes: await gathered(chunks, this.sizeBytes, this.#url) };
  }

  async #readPart(start: number, length: number): Promise<void> {
    try {
      const { chunks } = await this.#http.download(this.#url, { ...this.#common(), range: { start, length } });
      this.#part = { offsetBytes: start, bytes: await gathered(chunks, length, this.#url) };
    } catch (thrown) {
      if (!isFault(thrown, 'http/status') || statusOf(thrown) !== 200) throw thrown;
      this.#spooled = await this.#spool();
    }
  }

  async #spool(): Promise<FileWheel> {
    const directory = this.#options.temporaryDirectory ?? tmpdir();
    await mkdir(directory, { recursive: true });
    const path = join(directory, `wheel-${randomUUID()}`);
    const file = await open(path, 'wx+', 0o600);
    try {
      // Without a name the file goes away with its last user, however that one ends.
      await unlink(path);
      let sizeBytes = 0;
      for await (const chunk of (await this.#http.download(this.#url, this.#common())).chunks) {
        sizeBytes += chunk.length;
        if (sizeBytes > this.sizeBytes) throw wrongSize(this.#url, this.sizeBytes);
        await file.writeFile(chunk);
      }
      return new FileWheel(file, sizeBytes, shown(this.#url));
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  #common() {
    const { headers, signal } = this.#options;
    return { ...(headers !== undefined && { headers }), ...(signal !== undefined && { signal }) };
  }
}

async function gathered(chunks: AsyncIterable<Uint8Array>, sizeBytes: number, url: string): Promise<Uint8Array> {
  const whole = new Uint8Array(sizeBytes);
  let filled = 0;
  for await (const chunk of chunks) {
    if (filled + chunk.length > sizeBytes) throw wrongSize(url, sizeBytes);
    whole.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled !== sizeBytes) throw shortRead(shown(url), filled);
  return whole;
}

function shown(url: string): string {
  return decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
}

function shortRead(what: string, positionBytes: number): Error {
  return pythonFault('wheel/truncated', {
    what: `${what} ends after ${positionBytes} bytes, before it is complete`,
    subject: what,
    hint: 'Download it again; if it stays so, the file is damaged at its source.',
  });
}

function wrongSize(url: string, sizeBytes: number): Error {
  return pythonFault('wheel/wrong-size', {
    what: `${shown(url)} is longer than the ${sizeBytes} bytes that the lock names`,
    subject: shown(url),
    hint: 'The file is not the one that the lock names; resolve anew if it was replaced on purpose.',
  });
}
