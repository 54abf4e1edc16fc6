import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal } from './answer.ts';

/** One request and its answer, with what was read from its address. */
export type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly query: URLSearchParams;
};

/** The body of a request. Whoever stops reading it early can still answer: the connection stays. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}

/** Reads a request's body into memory, up to a limit. */
export async function readBody(
  request: IncomingMessage,
  limitBytes: number,
  refuse: () => Refusal,
): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw refuse();
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of bodyOf(request)) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) throw refuse();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** One page of a sorted list, by the `n` and `last` parameters (distribution-spec, "Listing Tags"). */
export function pageOf(
  names: readonly string[],
  query: URLSearchParams,
): { readonly page: readonly string[]; readonly next: string | undefined } {
  const last = query.get('last');
  const rest = last === null ? names : names.filter((name) => name > last);
  const limit = query.get('n');
  if (limit === null) return { page: rest, next: undefined };
  if (!/^[0-9]{1,9}$/.test(limit))
    throw new Refusal(400, 'UNSUPPORTED', `n must be a whole number, not "${limit.slice(0, 50)}"`);
  const page = rest.slice(0, Number(limit));
  const end = page.at(-1);
  return {
    page,
    next: page.length < rest.length && end !== undefined ? `n=${limit}&last=${encodeURIComponent(end)}` : undefined,
  };
}

/** The part of a blob that a Range header asks for (RFC 9110, 14.2): one range only; anything else means the whole. */
export function requestedRange(
  header: string | undefined,
  sizeBytes: number,
): { readonly start: number; readonly end: number } | 'whole' | 'unsatisfiable' {
  const match = /^bytes=([0-9]*)-([0-9]*)$/.exec(header?.trim() ?? '');
  if (match === null) return 'whole';
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return start >= sizeBytes || start > end ? 'unsatisfiable' : { start, end };
}
