import type { DeflatedChunk } from '@mir/core';
import { shebang } from './entry-points.ts';

const marker = Buffer.from('#!python');
const newline = 0x0a;
const longestFirstLineBytes = 64 * 1024;

/** The first line of a script that is to be replaced, newline included; undefined where it stays as it is. */
function replacedLine(start: Uint8Array): Uint8Array | undefined {
  if (!marker.equals(start.subarray(0, marker.length))) return undefined;
  const end = start.indexOf(newline);
  return end < 0 ? start : start.subarray(0, end + 1);
}

/** A script with its `#!python…` line pointing to an interpreter, as pip does it; others come back unchanged. */
export function rewrittenScript(script: Uint8Array, interpreterPath: string): Uint8Array {
  const line = replacedLine(script);
  return line === undefined
    ? script
    : Buffer.concat([Buffer.from(shebang(interpreterPath)), script.subarray(line.length)]);
}

/** A large script whose beginning was looked at. */
export type PeekedScript = {
  /** How many bytes the line to be replaced has, 0 where there is none. */
  readonly replacedBytes: number;
  /** All of it, the beginning included. */
  readonly chunks: AsyncIterable<DeflatedChunk>;
};

/** Looks at the beginning of a script that is too large to be held, and hands all of it on. */
export async function peekScript(chunks: AsyncIterable<DeflatedChunk>): Promise<PeekedScript> {
  const iterator = chunks[Symbol.asyncIterator]();
  const taken: DeflatedChunk[] = [];
  let start = Buffer.alloc(0);
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    // A chunk is good until the next is asked for.
    taken.push({ deflated: Buffer.from(next.value.deflated), inflated: Buffer.from(next.value.inflated) });
    start = Buffer.concat([start, next.value.inflated.subarray(0, longestFirstLineBytes)]);
    if (start.includes(newline) || start.length >= longestFirstLineBytes) break;
    if (start.length >= marker.length && replacedLine(start) === undefined) break;
  }
  return { replacedBytes: replacedLine(start)?.length ?? 0, chunks: rejoined(taken, iterator) };
}

/** The inflated bytes of a script with its first line replaced. */
export async function* rewrittenChunks(script: PeekedScript, interpreterPath: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(shebang(interpreterPath));
  let skipBytes = script.replacedBytes;
  for await (const { inflated } of script.chunks) {
    const skipped = Math.min(skipBytes, inflated.length);
    skipBytes -= skipped;
    if (inflated.length > skipped) yield inflated.subarray(skipped);
  }
}

async function* rejoined(
  taken: readonly DeflatedChunk[],
  rest: AsyncIterator<DeflatedChunk>,
): AsyncGenerator<DeflatedChunk> {
  try {
    yield* taken;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
