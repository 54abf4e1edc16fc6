import { crc32 } from 'node:zlib';
import type { DeflatedChunk, FileContent, FileEntry } from '@mir/core';

/** Looks at the bytes of a file while they pass by. */
export type Observer = (chunk: Uint8Array) => void;

/** The same file; whoever reads its content lets the observer see the (inflated) bytes too. */
export function observed(entry: FileEntry, observer: Observer): FileEntry {
  return { ...entry, content: observedContent(entry.content, observer) };
}

function observedContent(content: FileContent, observer: Observer): FileContent {
  if (content.kind === 'bytes') {
    observer(content.bytes);
    return content;
  }
  if (content.kind === 'stream') return { ...content, chunks: tapped(content.chunks, observer) };
  return { ...content, chunks: tapped(content.chunks, (chunk: DeflatedChunk) => observer(chunk.inflated)) };
}

function tapped<Chunk>(
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
  observer: (chunk: Chunk) => void,
): AsyncIterable<Chunk> | Iterable<Chunk> {
  // Most files are small and come synchronously: they must not pay for awaiting.
  return Symbol.iterator in chunks ? tappedNow(chunks, observer) : tappedLater(chunks, observer);
}

function* tappedNow<Chunk>(chunks: Iterable<Chunk>, observer: (chunk: Chunk) => void): Generator<Chunk> {
  for (const chunk of chunks) {
    observer(chunk);
    yield chunk;
  }
}

async function* tappedLater<Chunk>(
  chunks: AsyncIterable<Chunk>,
  observer: (chunk: Chunk) => void,
): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) {
    observer(chunk);
    yield chunk;
  }
}

/** The size of a file's content in bytes. */
export function sizeOf(content: FileContent): number {
  return content.kind === 'bytes' ? content.bytes.length : content.sizeBytes;
}

/** CRC-32 of a file's content, known at once where the content carries it, else once it has been read. */
export class Checksum {
  #value = 0;
  readonly #isKnown: boolean;

  constructor(content: FileContent) {
    this.#isKnown = content.kind === 'deflated';
    if (content.kind === 'deflated') this.#value = content.crc32;
  }

  push(chunk: Uint8Array): void {
    if (!this.#isKnown) this.#value = crc32(chunk, this.#value);
  }

  get value(): number {
    return this.#value;
  }
}
