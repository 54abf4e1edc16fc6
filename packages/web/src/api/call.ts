import { tellConnection } from '../connection/connection.ts';
import { ApiFault, lostConnection } from './fault.ts';
import { type Operations, places } from './types.ts';

type Given<Operation extends { params: unknown; query: unknown; body: unknown }> = Part<'params', Operation['params']> &
  Part<'query', Operation['query']> &
  Part<'body', Operation['body']> & { readonly signal?: AbortSignal | undefined };

/** What an operation takes none of is not given; what may be empty may be left out. */
type Part<Name extends string, Value> = [Value] extends [undefined]
  ? { readonly [Key in Name]?: undefined }
  : Record<string, never> extends Value
    ? { readonly [Key in Name]?: Value }
    : { readonly [Key in Name]: Value };

/** The address of an operation, with what belongs into it. */
export function addressOf(
  id: keyof Operations,
  params: Readonly<Record<string, unknown>> = {},
  query: Readonly<Record<string, unknown>> = {},
): string {
  const [, path] = places[id];
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') search.append(name, String(one));
    }
  }
  const text = search.toString();
  return text === '' ? filled : `${filled}?${text}`;
}

/**
 * Asks the instance for one operation of its API: `call('getImageDetails', { params: { name } })`.
 *
 * @throws ApiFault with what the instance says; `connection/lost` when it says nothing
 */
export async function call<Id extends keyof Operations>(
  id: Id,
  given: Given<Operations[Id]> = {} as Given<Operations[Id]>,
): Promise<Operations[Id]['answer']> {
  const { params, query, body, signal } = given as {
    readonly params?: Readonly<Record<string, unknown>>;
    readonly query?: Readonly<Record<string, unknown>>;
    readonly body?: unknown;
    readonly signal?: AbortSignal;
  };
  const [method] = places[id];
  const answer = await reach(addressOf(id, params, query), {
    method,
    headers: {
      accept: 'application/problem+json, application/json',
      ...(method !== 'GET' && { 'content-type': 'application/json' }),
    },
    ...(method !== 'GET' && { body: JSON.stringify(body ?? {}) }),
    ...(signal !== undefined && { signal }),
  });
  const text = await answer.text();
  const isJson = (answer.headers.get('content-type') ?? '').includes('json');
  if (!answer.ok) throw isJson ? new ApiFault(JSON.parse(text)) : lostConnection();
  return (isJson ? JSON.parse(text) : text) as Operations[Id]['answer'];
}

async function reach(address: string, request: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(address, request);
  } catch (thrown) {
    if (request.signal?.aborted === true) throw thrown;
    tellConnection('lost');
    throw lostConnection();
  }
  // A proxy answers for an instance that is away.
  tellConnection(answer.status === 502 || answer.status === 504 ? 'lost' : 'there');
  return answer;
}
