/**
 * Writes the types of the HTTP API for the web application, from the description that the server makes of itself.
 *
 *   main.ts            writes packages/web/src/api/types.ts
 *   main.ts --check    says whether it is up to date, and changes nothing
 */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { apiDescription } from '@mir/server';
import { typesOf } from './types.ts';

const file = resolve(import.meta.dirname, '../../packages/web/src/api/types.ts');
const text = typesOf(apiDescription());
if (process.argv[2] === '--check') {
  if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    process.stderr.write('packages/web/src/api/types.ts is out of date. Run: node tools/api-types/main.ts\n');
    process.exitCode = 1;
  }
} else await writeFile(file, text);
