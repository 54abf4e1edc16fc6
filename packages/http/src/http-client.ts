import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '@mir/core';
import { type Download, type DownloadOptions, startDownload } from './download.ts';
import { type HttpFaultCode, isPassing, shownUrl, transportFault } from './http-fault.ts';
import { HttpResponse } from './http-response.ts';
import { Transport } from './transport.ts';

/** Settings of a client; all have working defaults. */
export type HttpClientOptions = {
  /** Proxy for every request; without it HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment count. */
  readonly proxy?: string;
  /** PEM certificates to trust besides the system's. */
  readonly caCertificates?: readonly string[];
  readonly connectTimeoutSeconds?: number;
  /** How long a connection may stay silent before it counts as dead. */
  readonly idleTimeoutSeconds?: number;
  /** How often a request is sent at most. */
  readonly attempts?: number;
};

export type HttpRequest = {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A function is called anew for every attempt. A chunk's room may be used again when the next one is asked for. */
  readonly body?: Uint8Array | (() => AsyncIterable<Uint8Array>);
  /** Whether sending it twice does no harm. GET and HEAD always may be repeated. */
  readonly repeatable?: boolean;
  /** `false` hands a 429 back at once: whoever sends it waits in a way of their own, and lets others know. */
  readonly repeatThrottled?: boolean;
  /** `false` hands a 3xx back. Only GET and HEAD are ever followed. */
  readonly followRedirects?: boolean;
  readonly signal?: AbortSignal;
};

const maximalRedirects = 5;
const maximalWaitSeconds = 60;

/** HTTP as every package needs it: retries, redirects that leak nothing, proxies, downloads that resume. */
export class HttpClient {
  readonly #attempts: number;
  readonly #transport: Transport;

  constructor(options: HttpClientOptions = {}) {
    this.#attempts = options.attempts ?? 4;
    this.#transport = new Transport({
      proxy: options.proxy,
      caCertificates: options.caCertificates ?? [],
      connectTimeoutSeconds: options.connectTimeoutSeconds ?? 15,
      idleTimeoutSeconds: options.idleTimeoutSeconds ?? 60,
    });
  }

  /**
   * Sends one request and returns whatever status comes back. Refused and broken connections, 429 (Retry-After is
   * honoured), 502, 503, 504, and 500 for GET and HEAD are tried again where the request can be repeated. Redirects of GET and HEAD
   * are followed, never from https to http, and without credentials once the origin changes (RFC 9110, 15.4).
   *
   * @throws Fault {@link HttpFaultCode}
   */
  async send(sent: HttpRequest): Promise<HttpResponse> {
    const method = sent.method ?? 'GET';
    const reading = method === 'GET' || method === 'HEAD';
    let url = sent.url;
    let headers = sent.headers ?? {};
    for (let redirects = 0; ; redirects++) {
      const response = await this.#sendPatiently({ ...sent, url, headers, repeatable: sent.repeatable ?? reading });
      const location = response.header('location');
      const redirected = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
      if (!redirected || !reading || sent.followRedirects === false) return response;
      await response.discard();
      if (redirects === maximalRedirects) throw redirectFault(url, `redirects more than ${maximalRedirects} times`);
      const next = redirectTarget(url, location);
      if (next.origin !== new URL(url).origin) headers = withoutCredentials(headers);
      url = next.href;
    }
  }

  /** GET as a stream that resumes where it broke. @throws Fault {@link HttpFaultCode} */
  download(url: string, options: DownloadOptions = {}): Promise<Download> {
    return startDownload(this, url, options, this.#attempts);
  }

  /** Loads what requests need ahead of the first one. @throws Fault `http/unreachable` for a proxy setting without an address */
  prepare(protocol: 'http:' | 'https:' = 'http:'): void {
    this.#transport.prepare(protocol);
  }

  /** Ends all connections for good: running requests fail at once, and so does every later one. */
  close(): void {
    this.#transport.close();
  }

  /** Waits before something is sent again. @throws AbortError as soon as nobody wants it, or the client is closed */
  async pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const { closing } = this.#transport;
    await delay(milliseconds, undefined, {
      signal: signal === undefined ? closing : AbortSignal.any([closing, signal]),
    });
  }

  async #sendPatiently(sent: HttpRequest): Promise<HttpResponse> {
    for (let attempt = 1; ; attempt++) {
      const last = attempt >= this.#attempts || sent.repeatable !== true;
      try {
        const response = await this.#sendOnce(sent);
        if (last || !isWorthRepeating(response.status, sent)) return response;
        await response.discard();
        await this.pause(waitMilliseconds(attempt, response.header('retry-after')), sent.signal);
      } catch (thrown) {
        if (last || !isPassing(thrown)) throw transportFault(thrown, sent.url);
        await this.pause(waitMilliseconds(attempt), sent.signal);
      }
    }
  }

  async #sendOnce(sent: HttpRequest): Promise<HttpResponse> {
    const answer = await this.#transport.send({
      url: new URL(sent.url),
      method: sent.method ?? 'GET',
      headers: { 'user-agent': 'managed-image-registry', ...sent.headers },
      body: typeof sent.body === 'function' ? sent.body() : sent.body,
      signal: sent.signal,
    });
    return new HttpResponse(sent.url, answer);
  }
}

function isWorthRepeating(status: number, { method = 'GET', repeatThrottled = true }: HttpRequest): boolean {
  if (status === 429) return repeatThrottled;
  return [502, 503, 504].includes(status) || (status === 500 && (method === 'GET' || method === 'HEAD'));
}

function waitMilliseconds(attempt: number, retryAfter?: string): number {
  const seconds = retryAfter === undefined ? Number.NaN : retryAfterSeconds(retryAfter);
  if (Number.isFinite(seconds)) return Math.min(Math.max(seconds, 0), maximalWaitSeconds) * 1000;
  return 200 * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
}

function retryAfterSeconds(value: string): number {
  return /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
}

function redirectTarget(from: string, location: string): URL {
  const next = URL.parse(location, from);
  if (next === null) throw redirectFault(from, `redirects to "${location.slice(0, 200)}", which is not an address`);
  if (next.protocol !== 'https:' && !(next.protocol === 'http:' && new URL(from).protocol === 'http:')) {
    throw redirectFault(from, `redirects from https to ${next.protocol}//, which would be unprotected`);
  }
  next.username = '';
  next.password = '';
  return next;
}

function redirectFault(url: string, why: string): Fault<HttpFaultCode> {
  const shown = shownUrl(url);
  return new Fault('http/redirect', {
    what: `${shown} ${why}`,
    subject: shown,
    hint: 'Name the address that it leads to in the settings, if you trust it.',
  });
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  const secret = ['authorization', 'cookie', 'proxy-authorization'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !secret.includes(name.toLowerCase())));
}
