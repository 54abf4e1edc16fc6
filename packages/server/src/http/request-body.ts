import { serverFault } from '../fault.ts';

/** A request that is larger is refused, where its route takes no stream. */
export const bodyLimitBytes = 1024 * 1024;

/** Deeper than any request of the API; what is deeper is refused before anything walks through it. */
const depthLimit = 32;

/**
 * The JSON of a request body. Keys in snake_case become camelCase: the original's tutorial, and users' own dicts, are written so.
 *
 * @throws Fault `request/malformed` naming the place: not UTF-8, not JSON, too deep, text that no database can hold
 */
export function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('it is not UTF-8');
  }
  if (text.trim() === '') return undefined;
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (thrown) {
    throw malformed(thrown instanceof RangeError ? 'it is nested too deeply' : 'it is not JSON');
  }
  return withCamelKeys(data, 'the body', 0);
}

/** Refuses text that PostgreSQL cannot hold, or that is no Unicode. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

function withCamelKeys(data: unknown, place: string, depth: number): unknown {
  if (depth > depthLimit) throw malformed('it is nested too deeply');
  if (typeof data === 'string') {
    if (!isStorable(data)) throw malformed(`${place} holds a character that no text may hold`);
    return data;
  }
  if (Array.isArray(data)) return data.map((one, at) => withCamelKeys(one, `${place}[${at}]`, depth + 1));
  if (typeof data !== 'object' || data === null) return data;
  return mapKeys(data, (value, name) => withCamelKeys(value, name, depth + 1));
}

/** The values of a query by names in camelCase; the original's tutorial writes them in snake_case. */
export function parseQuery(query: object): Readonly<Record<string, unknown>> {
  return mapKeys(query, (value) => value);
}

function mapKeys(data: object, toValue: (value: unknown, name: string) => unknown): Readonly<Record<string, unknown>> {
  const camel: Record<string, unknown> = Object.create(null);
  for (const [key, value] of Object.entries(data)) {
    const name = key.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    // Where both spellings are given, the one that needs no change counts.
    if (name !== key && Object.hasOwn(data, name)) continue;
    camel[name] = toValue(value, name);
  }
  return camel;
}

function malformed(why: string) {
  return serverFault('request/malformed', {
    what: `The request body cannot be read: ${why}`,
    hint: 'Send a JSON object in UTF-8, as the API description shows.',
  });
}
