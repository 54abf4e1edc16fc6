import { Fault, type FaultData } from '@mir/core';

/** Where an instance is, and who asks it. */
export type ApiAddress = { readonly url: string; readonly key: string | undefined };

/** The instance that the environment names (`MIR_URL`, `MIR_API_KEY`). @throws Fault `api/address` */
export function apiAddress(environment: NodeJS.ProcessEnv): ApiAddress {
  const url = environment['MIR_URL'] || 'http://127.0.0.1:8480';
  if (URL.parse(url)?.protocol.match(/^https?:$/) == null) {
    throw new Fault('api/address', {
      what: `MIR_URL is "${url}", which is not the address of an instance`,
      subject: 'MIR_URL',
      hint: 'Set it to the address that mir server printed: http://127.0.0.1:8480',
    });
  }
  return { url: url.replace(/\/+$/, ''), key: environment['MIR_API_KEY'] || undefined };
}

/** One event of a stream; `id` is where to go on from. */
export type ServerSentEvent = { readonly event: string; readonly data: unknown; readonly id: string | undefined };

/** The HTTP API of an instance, for commands. */
export class Api {
  readonly #address: ApiAddress;
  #cookie: string | undefined;

  constructor(address: ApiAddress) {
    this.#address = address;
  }

  /** Signs in with a password instead of an API key, for the requests that follow. @throws Fault of the instance */
  async signIn(name: string, password: string): Promise<void> {
    await this.request('POST', '/v1/sign-in', { name, password });
  }

  /** Sends a request. @throws Fault with what the instance says, or `api/unreachable` */
  async request(method: string, path: string, body?: object): Promise<unknown> {
    const response = await this.#send(method, path, body === undefined ? undefined : JSON.stringify(body));
    const [cookie] = response.headers.getSetCookie();
    if (cookie !== undefined) this.#cookie = cookie.split(';', 1)[0];
    const text = await response.text();
    if (response.ok) return parsed(text);
    throw problemFault(response.status, parsed(text));
  }

  /** Sends bytes as they come. @throws Fault as {@link request} does */
  async upload(path: string, contentType: string, content: AsyncIterable<Uint8Array>): Promise<unknown> {
    const response = await this.#send('POST', path, ReadableStream.from(content), { 'content-type': contentType });
    const text = await response.text();
    if (response.ok) return parsed(text);
    throw problemFault(response.status, parsed(text));
  }

  /** Bytes as they come. @throws Fault as {@link request} does */
  async download(path: string): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#send('GET', path, undefined);
    if (!response.ok || response.body === null) throw problemFault(response.status, parsed(await response.text()));
    return response.body;
  }

  /**
   * The events of a stream (Server-Sent Events), as they come, until it ends; those behind `lastEventId`.
   *
   * @throws Fault as {@link request} does
   */
  async *events(path: string, lastEventId?: string): AsyncGenerator<ServerSentEvent> {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const response = await this.#send('GET', path, undefined, headers);
    if (!response.ok || response.body === null) throw problemFault(response.status, parsed(await response.text()));
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = /^event: (.+)$/m.exec(block)?.[1];
        const data = /^data: (.+)$/m.exec(block)?.[1];
        const id = /^id: (.+)$/m.exec(block)?.[1];
        if (event !== undefined && data !== undefined) yield { event, data: parsed(data), id };
      }
    }
  }

  async #send(
    method: string,
    path: string,
    body: string | ReadableStream<Uint8Array> | undefined,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const { url, key } = this.#address;
    try {
      return await fetch(`${url}${path}`, {
        method,
        redirect: 'error',
        headers: {
          accept: 'application/problem+json, application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(this.#cookie !== undefined
            ? { cookie: this.#cookie, origin: new URL(url).origin }
            : key !== undefined && { 'rime-api-key': key }),
          ...headers,
        },
        ...(body !== undefined && { body, duplex: 'half' }),
      });
    } catch (thrown) {
      const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause.message : String(thrown);
      throw new Fault('api/unreachable', {
        what: `The instance at ${url} cannot be reached: ${cause}`,
        subject: url,
        hint: 'Start it with mir server, or set MIR_URL to where it is.',
        cause: thrown,
      });
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemFault(status: number, problem: unknown): Fault {
  const { cause, detail, hint, subject } = (problem ?? {}) as Record<string, unknown>;
  const data: FaultData = {
    code: typeof cause === 'string' ? cause : 'api/refused',
    what: typeof detail === 'string' ? detail : `The instance answered with status ${status}`,
    hint: typeof hint === 'string' ? hint : 'Check that MIR_URL is the address of an instance.',
    ...(typeof subject === 'string' && { subject }),
  };
  return Fault.from(data);
}
