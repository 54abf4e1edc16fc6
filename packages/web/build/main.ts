/**
 * Builds the web application into plain files. The launcher calls this before `mir server`, when a source is newer than the last
 * build.
 *
 *   main.ts FOLDER    writes FOLDER/application-…/ and, last of all, its path into FOLDER/current
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import zlib, { constants } from 'node:zlib';
import { build } from 'vite';
import { themeVariables } from './theme-variables.ts';

const brotliCompress = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);

const root = resolve(import.meta.dirname, '..');
const folder = resolve(process.argv[2] ?? join(root, '../../.mir/web'));
/** A build that a server may be reading is kept this long. */
const keptMilliseconds = 3600 * 1000;

const startedAt = new Date();
const name = `application-${randomUUID()}`;
const target = join(folder, name);
await mkdir(folder, { recursive: true });
await build({
  root,
  configFile: false,
  // Nothing is taken from files that lie about.
  envDir: false,
  logLevel: 'warn',
  plugins: [themeVariables()],
  build: {
    outDir: target,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      onLog: (level, log, tell) => {
        // Libraries mark what is for browsers; here everything is.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') tell(level, log);
      },
    },
  },
});
for (const entry of await readdir(target, { recursive: true })) {
  if (!/\.(?:js|css|svg|html)$/.test(entry)) continue;
  const path = join(target, entry);
  const bytes = await readFile(path);
  await Promise.all([
    brotliCompress(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }).then((smaller) =>
      writeFile(`${path}.br`, smaller),
    ),
    gzip(bytes, { level: 9 }).then((smaller) => writeFile(`${path}.gz`, smaller)),
  ]);
}
const aside = join(folder, `current-${randomUUID()}`);
await writeFile(aside, `${target}\n`);
// As old as the sources that went in: what was saved meanwhile is newer than the build.
await utimes(aside, startedAt, startedAt);
await rename(aside, join(folder, 'current'));
for (const old of await readdir(folder)) {
  if (!old.startsWith('application-') || old === name) continue;
  const { mtimeMs } = await stat(join(folder, old));
  if (startedAt.getTime() - mtimeMs > keptMilliseconds) await rm(join(folder, old), { recursive: true, force: true });
}
