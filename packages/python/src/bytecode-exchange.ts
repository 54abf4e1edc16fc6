import { readFileSync } from 'node:fs';
import type { ModuleSource } from './bytecode.ts';
import { pythonFault } from './fault.ts';

const lengthBytes = 4;
/** No module's bytecode is so long, for no source is longer than 8 MiB: whoever says so says something else. */
const longestAnswerBytes = 128 << 20;

/** The program that an interpreter compiles with; it speaks over its standard streams, or reads and writes the two files it is given. */
export const bytecodeProgram = readFileSync(new URL('./bytecode-compiler.py', import.meta.url), 'utf8');

/** The words that start the program in an interpreter whose environment was wiped: it imports nothing but its own library. */
export const bytecodeWords = ['-S', '-s', '-B', '-W', 'ignore'] as const;

/** What a compiling interpreter finds in its environment: hashes must not be random. */
export const bytecodeEnvironment: Readonly<Record<string, string>> = { PYTHONHASHSEED: '0', LC_ALL: 'C.UTF-8' };

/** Modules that are compiled together, as the program reads them. */
export function* encodeModules(sources: readonly ModuleSource[]): Generator<Uint8Array> {
  const count = Buffer.alloc(lengthBytes);
  count.writeUInt32BE(sources.length, 0);
  yield count;
  for (const source of sources) {
    // co_filename is where the module lies when it runs.
    const path = Buffer.from(`/${source.path}`);
    const header = Buffer.alloc(2 * lengthBytes);
    header.writeUInt32BE(path.length, 0);
    header.writeUInt32BE(source.bytes.length, lengthBytes);
    yield Buffer.concat([header, path]);
    yield source.bytes;
  }
}

/**
 * What the program has written, answer by answer: first its greeting, then bytecode, or nothing for a module that does not compile. It is read as
 * what a stranger wrote.
 *
 * @throws Fault `bytecode/interpreter` for what no such program writes
 */
export async function* readAnswers(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const held = new HeldBytes();
  let sizeBytes: number | undefined;
  for await (const chunk of chunks) {
    held.push(chunk);
    for (;;) {
      if (sizeBytes === undefined) {
        if (held.length < lengthBytes) break;
        sizeBytes = held.take(lengthBytes).readUInt32BE(0);
        if (sizeBytes > longestAnswerBytes) throw strange();
      }
      if (held.length < sizeBytes) break;
      const answer = held.take(sizeBytes);
      sizeBytes = undefined;
      yield answer;
    }
  }
  if (held.length > 0 || sizeBytes !== undefined) throw strange();
}

/** Bytes that have come and are not read yet; each is copied once, however small the pieces that it came in. */
class HeldBytes {
  #chunks: Uint8Array[] = [];
  length = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.length += chunk.length;
  }

  take(count: number): Buffer {
    const taken = Buffer.alloc(count);
    let filled = 0;
    while (filled < count) {
      const chunk = this.#chunks.shift() ?? new Uint8Array(0);
      const part = chunk.subarray(0, count - filled);
      taken.set(part, filled);
      filled += part.length;
      if (part.length < chunk.length) this.#chunks.unshift(chunk.subarray(part.length));
    }
    this.length -= count;
    return taken;
  }
}

function strange() {
  return pythonFault('bytecode/interpreter', {
    what: 'The Python that compiles bytecode wrote something else than bytecode',
    hint: 'Build without bytecode, or use another base.',
  });
}
