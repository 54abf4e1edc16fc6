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
import { type Refusal, type RegistryAction, type RequestPace, refusalFault } from './request.ts';
import { retryAfterSeconds } from './retry-after.ts';

const errorLimitBytes = 64 * 1024;

/** So often a request that a registry has no time for is sent again, after it has waited for its turn again. */
const throttledLimit = 12;

/** How a connection differs from that to any registry. */
export type ConnectionManners = {
  readonly pace?: RequestPace;
  readonly explain?: (refusal: Refusal) => Fault | undefined;
};

/** Requests to one registry with the right credentials: one renewed sign-in when the registry says 401. */
export class RegistryConnection {
  readonly registry: string;
  readonly baseUrl: string;
  #http: HttpClient;
  #authorization: Authorization;
  #manners: ConnectionManners;

  constructor(
    registry: string,
    baseUrl: string,
    http: HttpClient,
    authorization: Authorization,
    manners: ConnectionManners = {},
  ) {
    this.registry = registry;
    this.baseUrl = baseUrl;
    this.#http = http;
    this.#authorization = authorization;
    this.#manners = manners;
  }

  /** Sends a request whose address may be relative to the registry, when it is its turn. */
  async send(request: HttpRequest, scopes: readonly string[], action: RegistryAction): Promise<HttpResponse> {
    const { pace } = this.#manners;
    // What nobody counts, HTTP's own patience has to do for.
    if (pace?.counts(action) !== true) return await this.#sendSignedIn(request, scopes);
    for (let attempt = 1; ; attempt++) {
      await pace.turn(action, request.signal);
      // All who share the rate are to hear of the first refusal, and not of one that has stayed.
      const response = await this.#sendSignedIn({ ...request, repeatThrottled: false }, scopes);
      if (response.status !== 429) return response;
      await pace.throttled(action, retryAfterSeconds(response));
      const isReading = request.method === undefined || request.method === 'GET' || request.method === 'HEAD';
      if (attempt === throttledLimit || !(request.repeatable ?? isReading)) return response;
      await response.discard();
    }
  }

  async #sendSignedIn(request: HttpRequest, scopes: readonly string[]): Promise<HttpResponse> {
    const url = new URL(request.url, this.baseUrl);
    const response = await this.#http.send({
      ...request,
      url: url.href,
      headers: await this.#headersFor(url, request.headers, scopes),
    });
    const { status } = response;
    if ((status !== 401 && status !== 403) || !this.#isOwn(url)) return response;
    // Registries whose passwords run out say 403 as well; what is not allowed stays so with another password.
    if (status === 403 && !(await this.#authorization.forget(scopes))) return response;
    await response.discard();
    if (status === 401) await this.#authorization.forget(scopes);
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
      const status = isFault(thrown, 'http/status') ? statusOf(thrown) : undefined;
      if (status !== 401 && status !== 403) throw thrown;
      if (!(await this.#authorization.forget(scopes)) && status === 403) throw thrown;
      return await start();
    }
  }

  /** The fault for an answer that is not what was asked for, with the registry's own words. Reads the body. */
  async refusal(response: HttpResponse, act: string, action: RegistryAction): Promise<Fault> {
    const { registry } = this;
    const refusal: Refusal = { registry, act, action, status: response.status, ...(await saidBy(response)) };
    return this.#manners.explain?.(refusal) ?? refusalFault(refusal);
  }

  /** What is known of a refusal of which only the status is; undefined where that is nothing. */
  explained(status: number, act: string, action: RegistryAction): Fault | undefined {
    return this.#manners.explain?.({ registry: this.registry, act, action, status, code: '', message: '' });
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

async function saidBy(response: HttpResponse): Promise<{ readonly code: string; readonly message: string }> {
  try {
    const parsed: unknown = JSON.parse(await response.text(errorLimitBytes));
    const errors: unknown = isObject(parsed) ? parsed['errors'] : undefined;
    const [first] = Array.isArray(errors) ? (errors as readonly unknown[]) : [];
    if (isObject(first)) return { code: textOf(first['code']), message: textOf(first['message']) };
  } catch {
    // Not every refusal explains itself; the status is told anyway.
  }
  return { code: '', message: '' };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 500) : '';
}
