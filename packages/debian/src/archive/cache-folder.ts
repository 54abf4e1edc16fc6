import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Files of the archive's cache: whole or absent, safe for several processes at once. */
export class CacheFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The bytes kept under a name. */
  async read(name: string): Promise<Buffer | undefined> {
    return await readFile(join(this.#path, name)).catch(() => undefined);
  }

  /** Keeps bytes under a name, in the place of what was there. */
  async write(name: string, content: Uint8Array | string): Promise<void> {
    await mkdir(this.#path, { recursive: true });
    const aside = join(this.#path, `.${name}.${process.pid}.${randomBytes(6).toString('hex')}`);
    try {
      await writeFile(aside, content);
      await rename(aside, join(this.#path, name));
    } catch (problem) {
      await rm(aside, { force: true });
      throw problem;
    }
  }
}
