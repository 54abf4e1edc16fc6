import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'corpus');

/** The inputs that are kept for a target, in the order of their names. */
export function readCorpus(target: string): readonly Buffer[] {
  const names = readdirSync(join(folder, target)).sort();
  return names.map((name) => readFileSync(join(folder, target, name)));
}

/** Keeps an input that a parser took badly; gives the path of the file. */
export function keepFinding(target: string, input: Uint8Array): string {
  const sum = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const path = join(folder, target, `finding-${sum}`);
  mkdirSync(join(folder, target), { recursive: true });
  writeFileSync(path, input);
  return path;
}
