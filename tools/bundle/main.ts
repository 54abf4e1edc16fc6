/**
 * Puts the program `mir` into a few scripts with their compiled code: it then starts in a fraction of the time that Node needs to find,
 * read, strip and compile some three hundred modules. The launcher calls this, with the flags that the program runs with, when a source
 * is newer than the last bundle.
 *
 *   main.ts FOLDER    writes FOLDER/program-…/ and, last of all, its path into FOLDER/current
 */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { writeCode } from './code.ts';
import { flushed, writeScripts } from './scripts.ts';

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
/** A bundle is kept this long after somebody who runs it has said so. */
const keptMilliseconds = 24 * 3600 * 1000;

const startedAt = new Date();
const name = `program-${randomUUID()}`;
const target = join(folder, name);
await mkdir(target, { recursive: true });
for (const script of await writeScripts(target)) await writeCode(script);
for (const file of files) await copyFile(join(root, file), join(target, basename(file)));
await writeFile(join(target, 'package.json'), '{ "type": "commonjs" }\n');
const aside = join(folder, `current-${randomUUID()}`);
await writeFile(aside, `${join(target, 'main.js')}\n`, flushed);
// As old as the sources that went in: what was saved meanwhile is newer than the bundle.
await utimes(aside, startedAt, startedAt);
await rename(aside, join(folder, 'current'));
for (const old of await readdir(folder)) {
  if (!old.startsWith('program-') || old === name) continue;
  // Another launcher may have removed it meanwhile.
  const { mtimeMs } = await stat(join(folder, old)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
  if (startedAt.getTime() - mtimeMs > keptMilliseconds) await rm(join(folder, old), { recursive: true, force: true });
}
