import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { getCACertificates } from 'node:tls';
import { forgetAddresses, lookup } from './addresses.ts';

/** How connections are made and how long they may be silent. */
export type TransportOptions = {
  /** Proxy for every request; without it the variables of the environment count. */
  readonly proxy: string | undefined;
  /** PEM certificates to trust besides the system's. */
  readonly caCertificates: readonly string[];
  readonly connectTimeoutSeconds: number;
  readonly idleTimeoutSeconds: number;
};

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

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Loads what a first request over plain http would load. */
  prepare(): void {
    this.#agent('http:');
  }

  /** Sends one request; gives the answer when its headers are there. Rejects with the error of the connection. */
  async send(sending: Sending): Promise<IncomingMessage> {
    const { url, method, headers, signal } = sending;
    signal?.throwIfAborted();
    const request = (url.protocol === 'https:' ? https : http).request({
      agent: this.#agent(url.protocol),
      protocol: url.protocol,
      // Brackets belong to the address of a URL, not to that of a socket.
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port,
      path: `${url.pathname}${url.search}`,
      method,
      headers: { host: url.host, ...headers },
    });
    const answering = answerTo(request);
    this.#watch(request, answering, signal);
    // Whether the body went out matters only as long as there is no answer: a server may say no before it has read all.
    write(request, sending.body).catch((thrown) => request.destroy(thrown));
    return answering;
  }

  /** Ends all connections; running requests fail. */
  close(): void {
    this.#plain?.destroy();
    this.#secure?.destroy();
  }

  #agent(protocol: string): http.Agent {
    const { proxy, caCertificates } = this.#options;
    const proxyEnv = proxy === undefined ? process.env : { http_proxy: proxy, https_proxy: proxy };
    if (protocol !== 'https:') {
      this.#plain ??= new http.Agent({ keepAlive: true, proxyEnv, lookup });
      return this.#plain;
    }
    const ca = caCertificates.length > 0 ? { ca: [...getCACertificates('default'), ...caCertificates] } : {};
    this.#secure ??= new https.Agent({ keepAlive: true, proxyEnv, lookup, ...ca });
    return this.#secure;
  }

  /** Ends a request that is not connected in time, that falls silent, or that nobody wants any more. */
  #watch(request: ClientRequest, answering: Promise<IncomingMessage>, signal: AbortSignal | undefined): void {
    const { connectTimeoutSeconds, idleTimeoutSeconds } = this.#options;
    let answer: IncomingMessage | undefined;
    answering.then(
      (arrived) => {
        answer = arrived;
      },
      () => forgetAddresses(request.host),
    );
    const end = (why: unknown) => (answer ?? request).destroy(why as Error);
    const abort = () => end(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const connecting = setTimeout(() => end(silence()), connectTimeoutSeconds * 1000);
    request.once('socket', (socket: Socket) => {
      if (!socket.connecting) clearTimeout(connecting);
      else socket.once('connect', () => clearTimeout(connecting));
    });
    request.once('close', () => {
      clearTimeout(connecting);
      signal?.removeEventListener('abort', abort);
    });
    const idleMilliseconds = idleTimeoutSeconds * 1000;
    request.setTimeout(idleMilliseconds);
    request.on('timeout', () => {
      // What has arrived waits for its reader: then it is not the server that is silent.
      if (answer !== undefined && answer.readableLength > 0) request.setTimeout(idleMilliseconds);
      else end(silence());
    });
  }
}

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Kept on: an error that comes after the answer is told by the answer's body.
    request.on('error', reject);
  });
}

async function write(request: ClientRequest, body: Sending['body']): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    request.end(body);
    return;
  }
  for await (const chunk of body) {
    if (request.destroyed) return;
    if (!request.write(chunk)) await drained(request);
  }
  request.end();
}

/** Waits until more may be written, or nothing more will be. */
function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      request.off('drain', go).off('close', go);
      resolve();
    };
    request.on('drain', go).on('close', go);
  });
}

function silence(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
}
