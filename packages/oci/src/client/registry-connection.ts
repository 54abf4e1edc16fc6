import { Fault, isFault } from '@mir/core';
import {
  type Download,
  type DownloadOptions,
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  statusOf,
} from '@mir/http';
import type { OciFaultCode } from '../fault.ts';
import { isObject } from '../image/wire.ts';
import type { Authorization } from './authorization.ts';

const errorLimitBytes = 64 * 1024;

/** Requests to one registry with the right credentials: one renewed sign-in when the registry says 401. */
export class RegistryConnection {
  readonly registry: string;
  readonly baseUrl: string;
  #http: HttpClient;
  #authorization: Authorization;

  constructor(registry: string, baseUrl: string, http: HttpClient, authorization: Authorization) {
    this.registry = registry;
    this.baseUrl = baseUrl;
    this.#http = http;
    this.#authorization = authorization;
  }

  /** Sends a request whose address may be relative to the registry. */
  async send(request: HttpRequest, scopes: readonly string[]): Promise<HttpResponse> {
    const url = new URL(request.url, this.baseUrl);
    const response = await this.#http.send({
      ...request,
      url: url.href,
      headers: await this.#headersFor(url, request.headers, scopes),
    });
    if (response.status !== 401 || !this.#isOwn(url)) return response;
    await response.discard();
    this.#authorization.forget(scopes);
    return await this.#http.send({
      ...request,
      url: url.href,
      headers: await this.#headersFor(url, request.headers, scopes),
    });
  }

  /** Streams what a GET gives. @throws Fault as `HttpClient.download`, after one renewed sign-in */
  async download(path: string, options: DownloadOptions, scopes: readonly string[]): Promise<Download> {
    const url = new URL(path, this.baseUrl);
    const start = async (): Promise<Download> =>
      await this.#http.download(url.href, {
        ...options,
        headers: await this.#headersFor(url, options.headers, scopes),
      });
    try {
      return await start();
    } catch (thrown) {
      if (!isFault(thrown, 'http/status') || statusOf(thrown) !== 401) throw thrown;
      this.#authorization.forget(scopes);
      return await start();
    }
  }

  /** The fault for an answer that is not what was asked for, with the registry's own words. Reads the body. */
  async refusal(response: HttpResponse, act: string): Promise<Fault<OciFaultCode>> {
    const said = await saidBy(response);
    const status = response.status;
    const denied = status === 401 || status === 403;
    return new Fault<OciFaultCode>(denied ? 'registry/unauthorized' : 'registry/refused', {
      what: `Registry ${this.registry} refused to ${act}: it answered ${status}${said === '' ? '' : ` (${said})`}`,
      subject: this.registry,
      hint: denied
        ? 'Check the credentials for this registry and what they may do with this repository.'
        : status === 429 || status >= 500
          ? 'Try again in a while: the registry is overloaded or has a fault.'
          : 'Check the names and the rules of this registry.',
      cause: { status },
    });
  }

  /** The fault for an answer that the specification does not allow. */
  unexpected(why: string): Fault<OciFaultCode> {
    return new Fault<OciFaultCode>('registry/unexpected-answer', {
      what: `Registry ${this.registry} gave an answer that makes no sense: ${why}`,
      subject: this.registry,
      hint: 'Check that the address is that of a registry and that nothing on the way alters its answers.',
    });
  }

  async #headersFor(
    url: URL,
    headers: Readonly<Record<string, string>> | undefined,
    scopes: readonly string[],
  ): Promise<Readonly<Record<string, string>>> {
    const authorization = this.#isOwn(url) ? await this.#authorization.header(scopes) : undefined;
    return authorization === undefined ? { ...headers } : { ...headers, authorization };
  }

  /** Credentials go to the registry itself only, wherever it may send us. */
  #isOwn(url: URL): boolean {
    return url.origin === new URL(this.baseUrl).origin;
  }
}

async function saidBy(response: HttpResponse): Promise<string> {
  try {
    const parsed: unknown = JSON.parse(await response.text(errorLimitBytes));
    const errors: unknown = isObject(parsed) ? parsed['errors'] : undefined;
    const [first] = Array.isArray(errors) ? (errors as readonly unknown[]) : [];
    if (!isObject(first)) return '';
    return [first['code'], first['message']]
      .filter((text) => typeof text === 'string' && text !== '')
      .join(': ')
      .slice(0, 500);
  } catch {
    // Not every refusal explains itself; the status is told anyway.
    return '';
  }
}
