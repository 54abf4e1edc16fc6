import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { getCACertificates } from 'node:tls';
import { forgetAddresses, lookup } from './addresses.ts';
import { proxySettings } from './proxy-settings.ts';

/** How connections are made and how long they may be silent. */
export type TransportOptions = {
  /** Proxy for every request; without it the variables of the environment count. */
  readonly proxy: string | undefined;
  /** PEM certificates to trust besides the system's. */
  readonly caCertificates: readonly string[];
  readonly connectTimeoutSeconds: number;
  readonly idleTimeoutSeconds: number;
};

/** A connection that nobody used for so long is likely to be closed by the other side the next moment. */
const keptIdleMilliseconds = 4000;

/** One request on its way: sent once, to exactly this address. */
export type Sending = {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal | undefined;
};

/** Connections that are used again, and requests over them, by Node's own client. */
export class Transport {
  readonly #options: TransportOptions;
  #plain: http.Agent | undefined;
  #secure: https.Agent | undefined;
  readonly #closing = new AbortController();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Aborted when this is closed: nothing is sent any more. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Loads what a first request would load. With TLS, Node begins to read the machine's certificates, in a thread of its own.
   *
   * @throws Fault `http/unreachable` for a proxy setting without an address
   */
  prepare(protocol: 'http:' | 'https:'): void {
    this.#agent(protocol);
  }

  /**
   * Sends one request; gives the answer when its headers are there. Rejects with the error of the connection, or with the
   * signal's reason.
   */
  async send(sending: Sending): Promise<IncomingMessage> {
    const { url, method, headers, signal } = sending;
    signal?.throwIfAborted();
    // No fault that is tried again: whoever still wants something is to end.
    if (this.closing.aborted) throw new DOMException('The client was closed', 'AbortError');
    const request = (url.protocol === 'https:' ? https : http).request({
      agent: this.#agent(url.protocol),
      protocol: url.protocol,
      // Brackets belong to the address of a URL, not to that of a socket.
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port,
      path: `${url.pathname}${url.search}`,
      method,
      // Ends also the socket of a proxy that never becomes a tunnel.
      timeout: this.#options.idleTimeoutSeconds * 1000,
      headers: { host: url.host, ...headers },
    });
    // A body that is not as long as it was said to be would be taken for a part of the next request, or be waited for.
    Object.assign(request, { strictContentLength: true });
    const answering = Promise.withResolvers<IncomingMessage>();
    request.once('response', answering.resolve);
    // Kept on: an error that comes after the answer is told by the answer's body.
    request.on('error', answering.reject);
    this.#watch(request, answering, signal);
    // Whether the body went out matters only as long as there is no answer: a server may say no before it has read all.
    write(request, sending.body).catch((thrown) => request.destroy(thrown));
    const answer = await answering.promise;
    answer.once('end', () => {
      // Nobody wants the rest of a body that was answered before its end.
      if (!request.writableEnded) request.destroy();
    });
    return answer;
  }

  /** Ends all connections for good: running requests fail, and so does every later one. */
  close(): void {
    this.#closing.abort();
    this.#plain?.destroy();
    this.#secure?.destroy();
  }

  #agent(protocol: string): http.Agent {
    const { proxy, caCertificates } = this.#options;
    const settings = { keepAlive: true, timeout: keptIdleMilliseconds, lookup };
    if (protocol !== 'https:') {
      this.#plain ??= new http.Agent({ ...settings, proxyEnv: proxySettings(proxy) });
      return this.#plain;
    }
    const ca = caCertificates.length > 0 ? { ca: [...getCACertificates('default'), ...caCertificates] } : {};
    this.#secure ??= new https.Agent({ ...settings, proxyEnv: proxySettings(proxy), ...ca });
    return this.#secure;
  }

  /** Ends a request that is not connected in time, that falls silent, or that nobody wants any more. */
  #watch(
    request: ClientRequest,
    answering: PromiseWithResolvers<IncomingMessage>,
    signal: AbortSignal | undefined,
  ): void {
    const { connectTimeoutSeconds, idleTimeoutSeconds } = this.#options;
    let answer: IncomingMessage | undefined;
    const end = (why: unknown) => {
      // Behind a proxy a request has no socket yet that could tell of its end.
      answering.reject(why);
      (answer ?? request).destroy(why as Error);
    };
    let hadUnread = false;
    const listenForSilence = (to: ClientRequest | IncomingMessage) =>
      to.on('timeout', () => {
        // What has arrived waits for its reader: then it is not the server that is silent. Nor is it when the reader took the last of it a
        // moment ago: the server was held back until then.
        const hasUnread = answer !== undefined && (answer.complete || answer.readableLength > 0);
        if (hasUnread || hadUnread) request.setTimeout(idleTimeoutSeconds * 1000);
        else end(silence());
        hadUnread = hasUnread;
      });
    listenForSilence(request);
    answering.promise.then(
      (arrived) => {
        answer = arrived;
        // The request itself tells of the first silence only.
        listenForSilence(arrived);
      },
      () => forgetAddresses(request.host),
    );
    const abort = () => end(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const connecting = setTimeout(() => end(silence()), connectTimeoutSeconds * 1000);
    request.once('socket', (socket: Socket) => {
      if (!socket.connecting) clearTimeout(connecting);
      else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
    });
    const forget = () => {
      clearTimeout(connecting);
      signal?.removeEventListener('abort', abort);
    };
    request.once('close', forget);
    answering.promise.catch(forget);
  }
}

async function write(request: ClientRequest, body: Sending['body']): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    request.end(body);
    return;
  }
  for await (const chunk of body) {
    if (request.destroyed) return;
    await written(request, chunk);
  }
  request.end();
}

/** Waits until the chunk has left, so that its room may be used again, or nothing leaves any more. */
function written(request: ClientRequest, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      request.off('close', go);
      resolve();
    };
    request.on('close', go).write(chunk, go);
  });
}

function silence(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
}
