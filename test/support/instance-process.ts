import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { root } from './folder.ts';

/** The password of `admin` where a test gives one. */
export const adminPassword = 'a password that only tests have';

/** Changes to the environment of an instance; undefined takes a variable away. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The processes of one instance, which can be killed and started again: `./mir server` over a home. */
export class InstanceProcess {
  readonly home: string;
  readonly #environment: Environment;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #printed = '';
  #url = '';

  constructor(home: string, cleanup: Cleanup, environment: Environment = {}) {
    this.home = home;
    this.#environment = {
      ...{ MIR_HOME: home, MIR_ADMIN_PASSWORD: adminPassword, MIR_PREWARM: 'false', MIR_LOG_LEVEL: 'warn' },
      ...environment,
    };
    cleanup(() => this.stop());
  }

  /** Where it answers; the same after a restart. */
  get url(): string {
    return this.#url;
  }

  /** What it has printed since it was started last. */
  get printed(): string {
    return this.#printed;
  }

  /** Starts it and waits until it serves. */
  async start(): Promise<void> {
    const listen = this.#url === '' ? '127.0.0.1:0' : new URL(this.#url).host;
    const child = spawn(join(root, 'mir'), ['server', '--listen', listen], {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#printed = '';
    // A worker that outlives its server keeps the pipes open: the end of the process is what counts.
    this.#ended = once(child, 'exit');
    this.#url = await new Promise<string>((resolve, reject) => {
      const listenTo = (text: string) => {
        this.#printed += text;
        const url = /The instance is at (http:\S+)\s[\s\S]*Next: .*\n/.exec(this.#printed)?.[1];
        if (url !== undefined) resolve(url);
      };
      child.stdout.setEncoding('utf8').on('data', listenTo);
      child.stderr.setEncoding('utf8').on('data', listenTo);
      this.#ended.then(() => reject(new Error(`the server ended:\n${this.#printed}`)), reject);
    });
  }

  /** Asks it to end in order, and waits until it has. @returns its exit code */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    child.kill('SIGTERM');
    await this.#ended;
    this.#child = undefined;
    return child.exitCode;
  }

  /** Kills the server with -9. Its workers and its database end by themselves. */
  async killServer(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
    this.#child = undefined;
  }

  /** Kills the workers, with -9 unless told otherwise; the server starts others. @returns how many there were */
  async killWorkers(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number> {
    const workers = await this.#workers();
    for (const pid of workers) process.kill(pid, signal);
    return workers.length;
  }

  /** Kills the main process of the embedded PostgreSQL with -9; the server starts it again. */
  async killDatabase(): Promise<boolean> {
    const text = await readFile(join(this.home, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '');
    const pid = Number(text.split('\n')[0]);
    return Number.isSafeInteger(pid) && pid > 1 && kill(pid);
  }

  async #workers(): Promise<readonly number[]> {
    const pid = this.#child?.pid;
    assert.ok(pid !== undefined, 'the server runs');
    const found: number[] = [];
    for (const child of (await childrenOf(pid)).map(Number)) {
      const words = (await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')).split('\0');
      if (words.includes('worker')) found.push(child);
    }
    return found;
  }
}

async function childrenOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter((one) => one !== '');
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
