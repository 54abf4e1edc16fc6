import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Fault, isFault } from '@mir/core';
import { type HttpClient, shownUrl, statusOf } from '@mir/http';
import type { DebianFaultCode } from '../fault.ts';

/** Reads files of archives, whether they lie behind http or on this machine. */
export class SourceReader {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** The bytes of a file. @throws Fault `archive/unreachable` */
  async *read(url: string): AsyncGenerator<Uint8Array> {
    try {
      if (url.startsWith('file:')) yield* createReadStream(fileURLToPath(url), { highWaterMark: 256 * 1024 });
      else yield* (await this.#http.download(url)).chunks;
    } catch (cause) {
      throw unreachableFault(url, cause);
    }
  }

  /** Like {@link read}, and `undefined` when there is no such file. */
  async find(url: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    if (url.startsWith('file:')) {
      const found = await stat(fileURLToPath(url)).catch(() => undefined);
      return found?.isFile() ? this.read(url) : undefined;
    }
    try {
      return (await this.#http.download(url)).chunks;
    } catch (cause) {
      if (isFault(cause, 'http/status') && statusOf(cause) === 404) return undefined;
      throw unreachableFault(url, cause);
    }
  }

  /** A whole small file. @throws Fault `archive/bad-index` when it is bigger than the limit */
  async bytes(url: string, limitBytes: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const part of this.read(url)) {
      sizeBytes += part.length;
      if (sizeBytes > limitBytes) {
        throw new Fault<DebianFaultCode>('archive/bad-index', {
          what: `${url} is bigger than ${limitBytes} bytes, which no such file is`,
          subject: url,
          hint: 'Look at what answers under this address: it is not a Debian archive.',
        });
      }
      parts.push(Buffer.from(part));
    }
    return Buffer.concat(parts);
  }
}

/** Size and digest that a file must have. */
export type ExpectedFile = { readonly sizeBytes: number; readonly sha256: string };

/** The same bytes, checked while they pass. @throws Fault `archive/wrong-hash` at the end, or once they are too many */
export async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  expected: ExpectedFile,
  url: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > expected.sizeBytes) throw wrongHashFault(url, `it is longer than the ${expected.sizeBytes} bytes`);
    yield chunk;
  }
  if (sizeBytes !== expected.sizeBytes) {
    throw wrongHashFault(url, `it has ${sizeBytes} bytes instead of the ${expected.sizeBytes}`);
  }
  const sha256 = hash.digest('hex');
  if (sha256 !== expected.sha256)
    throw wrongHashFault(url, `its SHA-256 is ${sha256} instead of the ${expected.sha256}`);
}

function wrongHashFault(url: string, how: string): Fault<DebianFaultCode> {
  return new Fault('archive/wrong-hash', {
    what: `${url} is not the file that the archive signed: ${how} that its Release file lists`,
    subject: url,
    hint: 'Try again in a few minutes (the mirror may be in the middle of an update); if it stays, do not use this mirror.',
  });
}

function unreachableFault(address: string, cause: unknown): unknown {
  const url = address.startsWith('http') ? shownUrl(address) : address;
  if (isFault(cause) && !cause.code.startsWith('http/')) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Fault<DebianFaultCode>('archive/unreachable', {
    what: `${url} cannot be read: ${why}`,
    subject: url,
    hint: "Check the archive's address (MIR_DEBIAN_ARCHIVE, MIR_DEBIAN_SECURITY_ARCHIVE or apt's sources), the proxy and the network.",
    cause,
  });
}
