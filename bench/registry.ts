import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon, run } from './program.ts';

/**
 * Debian's docker-registry on this machine: a neutral place that every contestant pushes to, one process and folder for each, so
 * that emptying one does not touch the others.
 */
export class Registry implements AsyncDisposable {
  readonly host: string;
  readonly #folder: string;
  readonly #log: string;
  #daemon: Daemon | undefined;

  /** `folder` holds the registry's files; the seed that it is reset to is a folder of the same shape. */
  constructor(folder: string, port: number) {
    this.host = `127.0.0.1:${port}`;
    this.#folder = folder;
    this.#log = `${folder}.log`;
  }

  async start(): Promise<void> {
    const configuration = `${this.#folder}.yml`;
    await writeFile(
      configuration,
      [
        'version: 0.1',
        'log: {level: warn}',
        `storage: {filesystem: {rootdirectory: ${this.#folder}}, delete: {enabled: true}}`,
        `http: {addr: ${this.host}}`,
        '',
      ].join('\n'),
    );
    this.#daemon = await Daemon.start('docker-registry', ['serve', configuration], {
      log: this.#log,
      answers: async () => (await fetch(`http://${this.host}/v2/`)).ok,
    });
  }

  /** Back to the seed: only the bases are there. */
  async reset(seed: string): Promise<void> {
    await this[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
    await run('cp', ['-al', seed, this.#folder], { log: this.#log });
    await this.start();
  }

  /** Bytes of all blobs that it holds. */
  async heldBytes(): Promise<number> {
    let sum = 0;
    for (const file of await readdir(join(this.#folder, 'docker/registry/v2/blobs'), { recursive: true })) {
      if (file.endsWith('/data')) sum += (await stat(join(this.#folder, 'docker/registry/v2/blobs', file))).size;
    }
    return sum;
  }

  /** Where its access log ends now, for {@link uploadedBytes}. */
  async mark(): Promise<number> {
    return (await stat(this.#log)).size;
  }

  /** Bytes of the blobs that were uploaded since a mark, those that it had already included. */
  async uploadedBytes(mark: number): Promise<number> {
    const log = (await readFile(this.#log)).subarray(mark).toString('latin1');
    let sum = 0;
    for (const [, hex = ''] of log.matchAll(/"PUT \/v2\/[^ ]*\/blobs\/uploads\/[^ ]*sha256(?:%3A|:)([0-9a-f]{64})/g)) {
      const path = join(this.#folder, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
      sum += await stat(path).then(
        ({ size }) => size,
        () => 0,
      );
    }
    return sum;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
    this.#daemon = undefined;
  }
}
