import assert from 'node:assert/strict';

/** An answer of an instance. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON of the answer, looked into with `at`. */
  readonly data: unknown;
};

/** What goes with a request. */
export type Request = {
  readonly key?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

/** Asks an instance as a program would. */
export type Ask = (method: string, path: string, request?: Request) => Promise<Answer>;

/** A client of the instance at an address, with a key for requests that name none. */
export function clientOf(address: () => string, standing?: () => string): Ask {
  return async (method, path, { key = standing?.(), body, headers = {}, signal } = {}) => {
    const answer = await fetch(`${address()}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && key !== '' && { 'rime-api-key': key }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
      redirect: 'manual',
    });
    const text = await answer.text();
    const isJson = (answer.headers.get('content-type') ?? '').includes('json');
    return { status: answer.status, headers: answer.headers, text, data: isJson ? JSON.parse(text) : undefined };
  };
}

/** The answer to a request that has to succeed. */
export async function succeeding(answer: Promise<Answer>): Promise<Answer> {
  const given = await answer;
  assert.equal(given.status, 200, given.text);
  return given;
}

/** A place in JSON: `at(data, 'image', 'status')`. Undefined where there is none. */
export function at(data: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string | number, unknown> | undefined)?.[name], data);
}

/** A text in JSON. */
export function textAt(data: unknown, ...path: readonly (string | number)[]): string {
  const value = at(data, ...path);
  assert.equal(typeof value, 'string', `${path.join('.')} in ${JSON.stringify(data)}`);
  return String(value);
}

/** A list in JSON. */
export function listAt(data: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const value = at(data, ...path);
  assert.ok(Array.isArray(value), `${path.join('.')} in ${JSON.stringify(data)}`);
  return value;
}

/** What has to hold of every refusal: its status, and exactly the original's body. */
export function assertRefused(answer: Answer, status: number, message?: RegExp): void {
  assert.equal(answer.status, status, answer.text);
  assertErrorBody(answer);
  if (message !== undefined) assert.match(textAt(answer.data, 'message'), message);
}

/** The body of an error is exactly the original's, and tells nothing of the program's inside. */
export function assertErrorBody({ data, text }: Answer): void {
  assert.deepEqual(Object.keys(data as object).sort(), ['code', 'details', 'message'], text);
  assert.deepEqual(at(data, 'details'), []);
  assert.ok(Number.isSafeInteger(at(data, 'code')), text);
  assert.ok(textAt(data, 'message').length > 0);
  assert.doesNotMatch(text, /\bat .*\(.*:\d+:\d+\)|node_modules|\.ts:\d+|node:internal|select .* from/);
}

/** Waits until a job has ended, by its events, and gives its details. */
export async function endOfJob(ask: Ask, job: string): Promise<unknown> {
  const { text, status } = await ask('GET', `/v1/jobs/${job}/events`);
  assert.equal(status, 200, text);
  const end = /event: end\ndata: (.*)\n/.exec(text)?.[1];
  assert.ok(end !== undefined, `the events of a job end with its end: ${text.slice(-500)}`);
  return JSON.parse(end);
}

/** Signs in and makes a key of that account. */
export async function keyBySigningIn(url: string, name: string, password: string): Promise<string> {
  const ask = clientOf(() => url);
  const origin = { origin: url };
  const { headers } = await succeeding(ask('POST', '/v1/sign-in', { body: { name, password }, headers: origin }));
  const made = await succeeding(
    ask('POST', '/v1/api-tokens', { body: { name: 'tests' }, headers: { ...origin, cookie: cookieOf(headers) } }),
  );
  return textAt(made.data, 'secret');
}

/** The cookies that an answer sets, as a browser sends them back. */
export function cookieOf(headers: Headers): string {
  return headers
    .getSetCookie()
    .map((one) => one.split(';', 1)[0])
    .join('; ');
}
