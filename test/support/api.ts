import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

/** Asks an instance; gives the status and the answer. */
export type Ask = (
  method: string,
  path: string,
  body?: object | string,
) => Promise<{ readonly status: number; readonly data: Answer }>;

/** What instances answer, read where a test knows what it is. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape, and fail where one is not as expected
export type Answer = any;

/** Asks with a key; without one, as nobody. */
export function asker(url: string, key?: string): Ask {
  return async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key !== undefined && { 'rime-api-key': key }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, data: isJson ? (JSON.parse(text) as Answer) : text };
  };
}

/** Asks, and wants to be answered well. */
export async function wants(ask: Ask, method: string, path: string, body?: object): Promise<Answer> {
  const { status, data } = await ask(method, path, body);
  assert.equal(status, 200, `${method} ${path}: ${JSON.stringify(data)}`);
  return data;
}

/** Waits until nothing is built for an image any more; gives its status. */
export async function settled(ask: Ask, name: string): Promise<string> {
  for (;;) {
    const { image } = await wants(ask, 'GET', `/v1/images/${name}`);
    if (!/BUILDING|REBUILDING/.test(image.status)) return image.status;
    await delay(50);
  }
}

/** Creates an image and waits until it is READY. */
export async function readyImage(ask: Ask, name: string, spec: object): Promise<void> {
  await wants(ask, 'POST', '/v1/images', { name, ...spec });
  assert.equal(await settled(ask, name), 'STATUS_READY', name);
}
