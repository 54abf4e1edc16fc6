import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder with the wheels of a hashed requirements file, fetched once by the machine's pip and kept between runs. */
export function downloadedWheels(requirements: string): string {
  const cache = fileURLToPath(new URL('../../../node_modules/.cache/mir-wheels/', import.meta.url));
  const folder = join(cache, createHash('sha256').update(requirements).digest('hex').slice(0, 16));
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const aside = mkdtempSync(join(cache, 'download-'));
  const list = join(aside, 'requirements.txt');
  writeFileSync(list, requirements);
  const options = ['--quiet', '--no-deps', '--only-binary', ':all:', '--require-hashes', '--disable-pip-version-check'];
  execFileSync('python3', ['-m', 'pip', 'download', ...options, '-r', list, '-d', aside], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  try {
    renameSync(aside, folder);
  } catch {
    // Another run was first.
    rmSync(aside, { recursive: true, force: true });
  }
  return folder;
}
