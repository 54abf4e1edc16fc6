import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What `tar -cz` makes of files of a folder. */
export async function tarArchive(folder: string, words: readonly string[]): Promise<Buffer> {
  const { stdout } = await promisify(execFile)('tar', ['-cz', '-C', folder, ...words], {
    encoding: 'buffer',
    maxBuffer: 1 << 28,
  });
  return stdout;
}
