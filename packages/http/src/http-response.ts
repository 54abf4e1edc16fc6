import type { IncomingMessage } from 'node:http';
import { Fault } from '@mir/core';
import { gatheredBody } from './gathered-body.ts';
import { type HttpFaultCode, shownUrl, transportFault } from './http-fault.ts';

/** An answer whose body has not been read yet. Read it or discard it, or its connection stays taken. */
export class HttpResponse {
  /** Where the answer came from, after redirects. */
  readonly url: string;
  readonly status: number;
  readonly #answer: IncomingMessage;

  constructor(url: string, answer: IncomingMessage) {
    this.url = url;
    this.status = answer.statusCode ?? 0;
    this.#answer = answer;
  }

  /** A header's value; the first where it was sent several times. */
  header(name: string): string | undefined {
    return this.#answer.headersDistinct[name.toLowerCase()]?.[0];
  }

  /** The body as it arrives. @throws Fault `http/interrupted` or `http/timeout` */
  get body(): AsyncIterable<Uint8Array> {
    return this.#read(this.#answer);
  }

  /** The body in pieces that fill `room`, each good until the next is asked for. @throws Fault as {@link body} */
  gathered(room: Uint8Array): AsyncIterable<Uint8Array> {
    return this.#read(gatheredBody(this.#answer, room));
  }

  /** The whole body. @throws Fault `http/too-large` when it is longer than the limit */
  async bytes(limitBytes: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of this.body) {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) throw tooLarge(this.url, limitBytes);
      parts.push(chunk);
    }
    return Buffer.concat(parts);
  }

  /** The whole body as UTF-8. @throws Fault `http/too-large` when it is longer than the limit */
  async text(limitBytes: number): Promise<string> {
    return new TextDecoder().decode(await this.bytes(limitBytes));
  }

  /** Lets go of the body and frees the connection: a short rest is read, a long one costs the connection. */
  async discard(): Promise<void> {
    let unreadBytes = 65_536;
    try {
      for await (const chunk of this.#answer) {
        unreadBytes -= chunk.length;
        if (unreadBytes < 0) break;
      }
    } catch {
      // Nobody wanted it.
    }
  }

  async *#read(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (thrown) {
      throw transportFault(thrown, this.url);
    }
  }
}

function tooLarge(url: string, limitBytes: number): Fault<HttpFaultCode> {
  return new Fault('http/too-large', {
    what: `${shownUrl(url)} sends more than the ${limitBytes} bytes that this answer may have`,
    subject: shownUrl(url),
    hint: 'Check that the address is that of the service meant.',
  });
}
