/**
 * `./mir test`: static checks, then every test, then one plain line with the counts.
 *
 *   ./mir test                 everything
 *   ./mir test packages/oci    the tests below a folder (or single files), without the static checks
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readWords, usageOf } from '../words.ts';
import { findImportFaults } from './import-direction.ts';
import { prepareMachine } from './machine.ts';
import { runProgram } from './program.ts';
import { findTests, runTests } from './tests.ts';

const root = resolve(import.meta.dirname, '../..');
const { positionals: chosen } = readWords(import.meta.filename, { allowPositionals: true });
const absent = chosen.find((path) => !existsSync(path));
if (absent !== undefined) {
  process.stderr.write(`There is no ${absent}\n\n${usageOf(import.meta.filename)}`);
  process.exit(2);
}

type Check = { readonly name: string; readonly run: () => Promise<string | undefined> };

const bin = (program: string) => resolve(root, 'node_modules/.bin', program);
const checks: readonly Check[] = [
  { name: 'types', run: () => runProgram(bin('tsc'), ['-p', '.'], root) },
  { name: 'types of the web application', run: () => runProgram(bin('tsc'), ['-p', 'packages/web'], root) },
  {
    name: 'types of the API are up to date',
    run: () => runProgram(process.execPath, ['tools/api-types/main.ts', '--check'], root),
  },
  { name: 'lint and format', run: () => runProgram(bin('biome'), ['check', '--error-on-warnings'], root) },
  { name: 'dead code', run: () => runProgram(bin('knip'), ['--no-config-hints'], root) },
  { name: 'import direction', run: async () => findImportFaults(root) },
];

let passed = 0;
let failed = 0;

if (chosen.length === 0) {
  for (const check of checks) {
    const complaint = await check.run();
    process.stdout.write(complaint === undefined ? `✔ ${check.name}\n` : `✖ ${check.name}\n${complaint}\n`);
    if (complaint === undefined) passed += 1;
    else failed += 1;
  }
}

const missing = await prepareMachine(root);
if (missing !== undefined) {
  process.stdout.write(`✖ what the tests need\n${missing}\n`);
  failed += 1;
}

const counts = await runTests(await findTests(root, chosen));
passed += counts.passed;
failed += counts.failed;
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped}\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
