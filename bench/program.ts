import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export type RunOptions = {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Where what it prints goes; its end is shown when it fails. */
  readonly log: string;
};

/** Runs a program to its end. @throws Error with the end of what it printed, when it fails */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<void> {
  const output: string[] = [];
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.push(text);
    });
  }
  const code = await ended(child);
  await appendFile(options.log, output.join(''));
  if (code !== 0) {
    throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output.join('').slice(-2000)}`);
  }
}

/** Runs a program and gives what it printed on standard output. @throws Error when it fails */
export async function outputOf(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await ended(child);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
  return output;
}

/** A program that runs beside us until it is closed. */
export class Daemon implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', resolve));
  }

  /** Starts it and waits until `answers` gives true. @throws Error when it ends before, or does not answer in half a minute */
  static async start(
    program: string,
    args: readonly string[],
    options: { readonly log: string; readonly answers: () => Promise<boolean> },
  ): Promise<Daemon> {
    const log = openSync(options.log, 'a');
    const child = spawn(program, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
    });
    const daemon = new Daemon(child);
    for (const deadline = Date.now() + 30_000; Date.now() < deadline; await delay(50)) {
      if (child.exitCode !== null) throw new Error(`${program} ended at once; see ${options.log}`);
      if (await options.answers().catch(() => false)) return daemon;
    }
    await daemon[Symbol.asyncDispose]();
    throw new Error(`${program} does not answer; see ${options.log}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    await this.#ended;
  }
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
