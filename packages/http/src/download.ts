import { Fault } from '@mir/core';
import type { HttpClient } from './http-client.ts';
import { type HttpFaultCode, isPassing, shownUrl, statusFault } from './http-fault.ts';
import type { HttpResponse } from './http-response.ts';

export type DownloadOptions = {
  /** A part of the resource; a server that ignores ranges is a fault, so that nobody gets the whole by accident. */
  readonly range?: { readonly start: number; readonly length: number } | { readonly lastBytes: number };
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Where what comes is gathered, for large downloads: chunks fill it, and each is good until the next is asked for. */
  readonly room?: Uint8Array;
};

/** A resource, or a part of it, on its way. */
export type Download = {
  /** Size of what is streamed, where the server said it. */
  readonly sizeBytes: number | undefined;
  /** Size of the whole resource, where the server said it. */
  readonly totalSizeBytes: number | undefined;
  /** Where in the resource the stream starts. */
  readonly startBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
};

type Part = { readonly start: number; readonly end: number | undefined; readonly total: number | undefined };

/** Starts a download that resumes by Range (RFC 9110, 14) when the connection breaks. */
export async function startDownload(
  client: HttpClient,
  url: string,
  options: DownloadOptions,
  attempts: number,
): Promise<Download> {
  const range = options.range;
  const wanted = range === undefined ? undefined : rangeHeader(range);
  const response = await get(client, url, options, wanted);
  if (range !== undefined && response.status !== 206) {
    await response.discard();
    throw response.status === 200 ? ignoredRange(url) : statusFault(response.status, url);
  }
  if (response.status !== 200 && response.status !== 206) {
    await response.discard();
    throw statusFault(response.status, url);
  }
  const part = partOf(response);
  return {
    sizeBytes: part.end === undefined ? undefined : part.end - part.start,
    totalSizeBytes: part.total,
    startBytes: part.start,
    chunks: resuming(client, url, options, response, part, attempts),
  };
}

async function* resuming(
  client: HttpClient,
  url: string,
  options: DownloadOptions,
  first: HttpResponse,
  part: Part,
  attempts: number,
): AsyncGenerator<Uint8Array> {
  const validator = first.header('etag');
  let response = first;
  let position = part.start;
  for (let failures = 0; ; ) {
    try {
      const chunks = options.room === undefined ? response.body : response.gathered(options.room);
      for await (const chunk of chunks) {
        position += chunk.length;
        failures = 0;
        yield chunk;
      }
      if (part.end === undefined || position >= part.end) return;
      throw cutShort(url, position, part.end);
    } catch (thrown) {
      failures += 1;
      if (failures >= attempts || part.end === undefined || !isPassing(thrown)) throw thrown;
      await client.pause(200 * 2 ** failures, options.signal);
      response = await get(client, url, options, `bytes=${position}-${part.end - 1}`, validator);
      // Anything but exactly the rest means that the resource changed or ranges are not served: start is lost.
      if (response.status !== 206 || partOf(response).start !== position) {
        await response.discard();
        throw thrown;
      }
    }
  }
}

function get(
  client: HttpClient,
  url: string,
  options: DownloadOptions,
  range: string | undefined,
  validator?: string,
): Promise<HttpResponse> {
  return client.send({
    url,
    headers: {
      ...options.headers,
      // A compressed transfer would make ranges and sizes those of other bytes.
      'accept-encoding': 'identity',
      ...(range !== undefined && { range }),
      ...(range !== undefined && validator !== undefined && !validator.startsWith('W/') && { 'if-range': validator }),
    },
    ...(options.signal !== undefined && { signal: options.signal }),
  });
}

function rangeHeader(range: NonNullable<DownloadOptions['range']>): string {
  return 'lastBytes' in range ? `bytes=-${range.lastBytes}` : `bytes=${range.start}-${range.start + range.length - 1}`;
}

function partOf(response: HttpResponse): Part {
  const length = response.header('content-length');
  const size = length === undefined ? undefined : Number(length);
  if (response.status !== 206) return { start: 0, end: size, total: size };
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.header('content-range') ?? '');
  if (match === null) throw statusFault(response.status, response.url);
  return {
    start: Number(match[1]),
    end: Number(match[2]) + 1,
    total: match[3] === '*' ? undefined : Number(match[3]),
  };
}

function cutShort(url: string, position: number, end: number): Fault<HttpFaultCode> {
  const shown = shownUrl(url);
  return new Fault('http/interrupted', {
    what: `${shown} ended after ${position} of ${end} bytes`,
    subject: shown,
    hint: 'Try again; what had arrived whole is kept.',
  });
}

function ignoredRange(url: string): Fault<HttpFaultCode> {
  const shown = shownUrl(url);
  return new Fault('http/status', {
    what: `${shown} does not serve parts of files (no Range support)`,
    subject: shown,
    hint: 'The whole file has to be downloaded instead.',
    cause: { status: 200 },
  });
}
