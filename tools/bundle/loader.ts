/**
 * Runs the scripts of the bundled program. Each lies beside its compiled code, which V8 takes as it is: compiling was a quarter of the
 * start of a command, and Node's own compile cache holds the functions that run while a module is loaded, none that is called later.
 */
import { readFileSync } from 'node:fs';
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

const folder = import.meta.dirname;
const requireOfNode = createRequire(join(folder, 'main.js'));
const modules = new Map<string, { exports: object }>();

/** Runs a script of the program, once, and gives what it exports. */
export function load(name: string): object {
  const known = modules.get(name);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  modules.set(name, module);
  const path = join(folder, name);
  const body = compiled(path, readFileSync(path, 'latin1')).runInThisContext() as Body;
  body.call(undefined, module.exports, requireOf, module, pathToFileURL(path).href);
  return module.exports;
}

function requireOf(id: string): unknown {
  return id.startsWith('./') ? load(id.slice(2)) : requireOfNode(id);
}

/** V8 checks that the code is of this source and this V8, and compiles the source if not. */
function compiled(path: string, source: string): Script {
  return new Script(source, { filename: path, cachedData: readCode(path) });
}

function readCode(path: string): Buffer | undefined {
  try {
    return readFileSync(`${path}.code`);
  } catch {
    return undefined; // It was not made: the source is compiled.
  }
}
