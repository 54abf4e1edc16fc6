import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cleanup } from './cleanup.ts';

/** How a program ended and what it said. */
export type Outcome = { readonly status: number; readonly output: string; readonly errors: string };

export type ProgramOptions = {
  readonly cwd?: string;
  /** Changes to this process's environment; undefined takes a variable away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
};

/** Runs a program to its end. */
export function run(program: string, words: readonly string[], options: ProgramOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    const printed = { output: '', errors: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed.output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      printed.errors += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? -1, ...printed }));
  });
}

/** Runs a program that has to succeed; gives what it printed, without the last line end. */
export async function succeed(
  program: string,
  words: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  const { status, output, errors } = await run(program, words, options);
  assert.equal(status, 0, `${program} ${words.join(' ')} ended with ${status}:\n${output}${errors}`);
  return output.trimEnd();
}

/** Starts a program that serves; waits until it prints what `ready` matches, and stops it by its id in the end. */
export async function startService(
  program: string,
  words: readonly string[],
  ready: RegExp,
  cleanup: Cleanup,
  options: ProgramOptions = {},
): Promise<RegExpExecArray> {
  const child = spawn(program, words, {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  const ended = once(child, 'close');
  cleanup(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let printed = '';
  return await new Promise((resolve, reject) => {
    const listen = (text: string) => {
      printed += text;
      const match = ready.exec(printed);
      if (match !== null) resolve(match);
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    ended.then(() => reject(new Error(`${program} ended:\n${printed}`)), reject);
  });
}
