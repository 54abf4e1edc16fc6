import { readFile, writeFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { flushed } from './scripts.ts';

/** Of larger scripts, which only servers load, every function would be more to read than there is to win. */
const largestEager = 1 << 20;

/**
 * Writes the compiled code of a script beside it, all of its functions included. V8 takes it only in a process with the same flags as
 * this one.
 */
export async function writeCode(path: string): Promise<void> {
  const source = await readFile(path, 'latin1');
  const compile = () => new Script(source, { filename: path });
  const script = source.length < largestEager ? eagerly(compile) : compile();
  await writeFile(`${path}.code`, script.createCachedData(), flushed);
}

/** The flag is back before code is made of the script: the flags of the process are part of it. */
function eagerly(compile: () => Script): Script {
  setFlagsFromString('--no-lazy');
  try {
    return compile();
  } finally {
    setFlagsFromString('--lazy');
  }
}
