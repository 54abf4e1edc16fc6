import { appendFile, rename, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const maximalFileBytes = 1024 * 1024;
const keptLines = 20;

/** What PostgreSQL says, line by line: into a file and the one before it, both of bounded size, and to whoever listens. */
export class PostgresLog {
  readonly path: string;
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #last: string[] = [];
  #sizeBytes: number | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(path: string, onLine: ((line: string) => void) | undefined) {
    this.path = path;
    this.#onLine = onLine;
  }

  /** The last lines, for the fault that says why it did not start. */
  get lastLines(): string {
    return this.#last.join('\n');
  }

  /** Takes the lines of a process; gives a promise of their end. */
  read(output: Readable, onLine?: (line: string) => void): Promise<void> {
    const lines = createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', (line) => {
      this.#add(line);
      onLine?.(line);
    });
    output.on('error', () => undefined);
    return new Promise((resolve) => lines.once('close', resolve));
  }

  /** When everything so far is in the file. */
  async flush(): Promise<void> {
    await this.#written;
  }

  #add(line: string): void {
    this.#last.push(line);
    if (this.#last.length > keptLines) this.#last.shift();
    this.#onLine?.(line);
    // A log that cannot be written, on a disk that is full, is no reason to stop the database.
    this.#written = this.#written.then(() => this.#write(`${line}\n`)).catch(() => undefined);
  }

  async #write(text: string): Promise<void> {
    this.#sizeBytes ??= await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
    if (this.#sizeBytes > maximalFileBytes) {
      await rename(this.path, `${this.path}.1`);
      this.#sizeBytes = 0;
    }
    await appendFile(this.path, text, { mode: 0o600 });
    this.#sizeBytes += Buffer.byteLength(text);
  }
}
