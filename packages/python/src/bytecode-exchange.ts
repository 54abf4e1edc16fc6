import { readFileSync } from 'node:fs';
import type { ModuleSource } from './bytecode.ts';
import { pythonFault } from './fault.ts';

const lengthBytes = 4;
/** No module's bytecode is so long: whoever says so says something else. */
const longestAnswerBytes = 256 << 20;

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
  let held = Buffer.alloc(0);
  for await (const chunk of chunks) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    while (held.length >= lengthBytes) {
      const sizeBytes = held.readUInt32BE(0);
      if (sizeBytes > longestAnswerBytes) throw strange();
      if (held.length < lengthBytes + sizeBytes) break;
      yield held.subarray(lengthBytes, lengthBytes + sizeBytes);
      held = held.subarray(lengthBytes + sizeBytes);
    }
  }
  if (held.length > 0) throw strange();
}

function strange() {
  return pythonFault('bytecode/interpreter', {
    what: 'The Python that compiles bytecode wrote something else than bytecode',
    hint: 'Build without bytecode, or use another base.',
  });
}
