/**
 * Runs the scripts of the bundled program. Each lies beside its compiled code, which V8 takes as it is: compiling was a quarter of the
 * start of a command, and Node's own compile cache holds the functions that run while a module is loaded, none that is called later.
 */
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';

/** What a script is given: what CommonJS gives a module, and its address in place of `import.meta.url`. */
type Body = (
  this: undefined,
  exports: object,
  require: (id: string) => unknown,
  module: { exports: object },
  url: string,
) => void;

/** Version and architecture of the Node that made the program; put in when it is bundled. */
declare const madeBy: string;

const folder = import.meta.dirname;
const requireOfNode = createRequire(join(folder, 'main.js'));
const modules = new Map<string, { exports: object }>();
/** Folders that nobody uses are removed after a day, when the program is bundled anew: a server that runs for weeks loads scripts late. */
const sayingMilliseconds = 3600 * 1000;

tellOfOtherNode();
setInterval(sayInUse, sayingMilliseconds).unref();

function sayInUse(): void {
  const now = new Date();
  try {
    utimesSync(folder, now, now);
  } catch {
    // Who may not write here cannot remove it either.
  }
}

/** Runs a script of the program, once, and gives what it exports. */
export function load(name: string): object {
  const known = modules.get(name);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  modules.set(name, module);
  const path = join(folder, name);
  try {
    const body = compiled(path, readFileSync(path, 'latin1')).runInThisContext() as Body;
    body.call(undefined, module.exports, requireOf, module, pathToFileURL(path).href);
    return module.exports;
  } catch (thrown) {
    // Whoever asks again is told the same, and is not given half of a module.
    modules.delete(name);
    throw thrown;
  }
}

function requireOf(id: string): unknown {
  return id.startsWith('./') ? load(id.slice(2)) : requireOfNode(id);
}

/** V8 checks that the code is of this V8, under its flags, and of a source of this length, and compiles the source if not. */
function compiled(path: string, source: string): Script {
  return new Script(source, { filename: path, cachedData: readCode(path) });
}

/** The launcher has the program made again that another Node made: its code is of no use to this one. */
function tellOfOtherNode(): void {
  if (madeBy === `${process.version} ${process.arch}`) return;
  try {
    writeFileSync(join(folder, 'of-another-node'), '');
  } catch {
    // Nobody may write here: the program starts slower, and works.
  }
}

function readCode(path: string): Buffer | undefined {
  try {
    return readFileSync(`${path}.code`);
  } catch {
    return undefined; // It was not made: the source is compiled.
  }
}
