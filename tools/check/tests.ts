import { globSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { run } from 'node:test';

type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** All test files, or those below the folders (or the files) that were named. */
export async function findTests(root: string, chosen: readonly string[]): Promise<string[]> {
  const everywhere = ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'];
  const all = globSync(everywhere, { cwd: root, exclude: ['**/node_modules/**'] })
    .map((file) => resolve(root, file))
    .sort();
  if (chosen.length === 0) return all;
  const wanted = chosen.map((path) => resolve(path));
  for (const path of wanted) statSync(path);
  return all.filter((file) => wanted.some((path) => file === path || file.startsWith(`${path}/`)));
}

/** Runs test files, two at a time, and prints each test that ends, with the reason when it fails. */
export async function runTests(files: readonly string[]): Promise<Counts> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  // Node spells its own file tests as tests too: only the leaves count.
  for await (const event of run({ files: [...files], concurrency: 2 })) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') process.stdout.write(event.data.message);
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, nesting, details } = event.data;
    if (details.type === 'suite') continue;
    const line = `${'  '.repeat(nesting)}${name} (${(details.duration_ms / 1000).toFixed(1)} s)`;
    if (event.type === 'test:fail') {
      counts.failed += 1;
      process.stdout.write(`✖ ${line}\n${reason(event.data.details.error)}\n`);
    } else if (event.data.skip !== undefined && event.data.skip !== false) {
      counts.skipped += 1;
      process.stdout.write(`- ${line}, skipped: ${event.data.skip}\n`);
    } else {
      counts.passed += 1;
      process.stdout.write(`✔ ${line}\n`);
    }
  }
  return counts;
}

function reason(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return (cause.stack ?? cause.message).replace(/^/gm, '    ');
}
