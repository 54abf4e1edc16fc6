import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Duplex, Readable } from 'node:stream';
import type { Fault } from '@mir/core';
import { saidBy } from '../fault.ts';
import type { Identities } from '../identities.ts';
import { cannotMake } from './requirements.ts';

const complaintLimit = 4000;

/** A file that is given on, one that is made for talking with this process, or none. */
export type PassedFile = number | 'pipe' | 'ignore';

/** How the first of the processes is started. */
export type SupervisorOptions = {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly files: readonly PassedFile[];
  /** What bubblewrap is told. It holds the values of variables, so no file of the machine ever does. */
  readonly words: string;
  /** The system calls that are let through, as bubblewrap takes them. */
  readonly filter: Uint8Array;
  /** What bubblewrap has said on the command's standard error. */
  readonly complaint: () => string;
};

/** The processes between this one and the command: the scripts that mount, and bubblewrap. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #child: ChildProcess;
  readonly #talk: Lines;
  readonly #reports: Lines;
  readonly #gone: Promise<unknown>;
  readonly #complained: Promise<unknown>;
  #complaint = '';
  /** The first process of the sandbox, with which everything in it ends. */
  #innerProcessId: number | undefined;
  #exitCode: number | undefined;

  constructor([program, ...words]: readonly [string, ...string[]], options: SupervisorOptions) {
    this.#options = options;
    this.#child = spawn(program, words, {
      cwd: options.folder,
      env: options.environment,
      stdio: [...options.files],
    });
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', resolve);
      this.#child.once('error', (thrown) => {
        this.#complaint += saidBy(thrown);
        resolve(undefined);
      });
    });
    this.#complained = once(this.#pipe(2), 'close').catch(() => undefined);
    this.#pipe(2).on('data', (text: Buffer) => {
      this.#complaint = `${this.#complaint}${text.toString('utf8')}`.slice(0, complaintLimit);
    });
    this.#talk = new Lines(this.#pipe(3));
    this.#reports = new Lines(this.#pipe(6));
    this.#give(4, options.words);
    this.#give(5, options.filter);
  }

  /** The command's standard input, where it was asked to be a pipe. */
  get input(): Duplex {
    return this.#pipe(0);
  }

  /** The results as an archive, after {@link take} was called. */
  get archive(): Readable {
    return this.#pipe(7);
  }

  /** What the command ended with by itself, as a shell would say it; undefined when it never started or all of it was killed. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** The process that makes the sandbox. */
  get processId(): number | undefined {
    return this.#child.pid;
  }

  /** Gives ids, and waits until the sandbox is about to be made. @throws Fault `sandbox/unavailable` */
  async prepare(identities: Identities): Promise<number> {
    await this.#hear('ids');
    const { pid } = this.#child;
    try {
      // Whoever lends only the own id must give up the right to drop groups first (user_namespaces(7)).
      if (identities.count === 1) writeFileSync(`/proc/${pid}/setgroups`, 'deny');
      writeFileSync(`/proc/${pid}/uid_map`, `0 ${identities.uid} ${identities.count}`);
      writeFileSync(`/proc/${pid}/gid_map`, `0 ${identities.gid} ${identities.count}`);
    } catch (thrown) {
      throw await this.#failure(saidBy(thrown));
    }
    this.#say('go');
    const report = await this.#reports.next();
    const inner = Number(/"child-pid":\s*(\d+)/.exec(report ?? '')?.[1]);
    if (!Number.isInteger(inner)) throw await this.#failure();
    this.#innerProcessId = inner;
    void this.#listen();
    return inner;
  }

  /** Lets the command begin. */
  begin(): void {
    this.#pipe(9).end('!');
  }

  /** Waits until nothing of the command runs any more. @throws Fault `sandbox/unavailable` */
  async finished(): Promise<void> {
    await this.#hear('ended');
    // Its id may be another's by now.
    this.#innerProcessId = undefined;
    await this.#reports.ended;
  }

  /** Has a folder archived, whose archive is read after this. */
  take(folder: string): void {
    this.#say(folder);
  }

  /** What tar has said of the folder, when all of its archive was read. */
  async complaint(): Promise<string> {
    await this.#hear('taken');
    await this.#gone;
    await this.#complained;
    return this.#complaint;
  }

  /** Ends the command with everything it started. */
  kill(): void {
    signal(this.#innerProcessId);
  }

  /** Ends all of it, mounts included, and waits until it is gone. */
  async destroy(): Promise<void> {
    this.kill();
    this.#child.kill('SIGKILL');
    await this.#gone;
    for (const stream of this.#child.stdio) stream?.destroy();
  }

  /** What the scripts and bubblewrap said went wrong, when all of them are gone. */
  async #failure(...why: readonly string[]): Promise<Fault> {
    await this.destroy();
    const said = [...why, this.#complaint.trim(), this.#options.complaint()].filter((text) => text !== '');
    return cannotMake(said.join('; '), this.#options.environment);
  }

  async #listen(): Promise<void> {
    for (let line = await this.#reports.next(); line !== undefined; line = await this.#reports.next()) {
      const code = /"exit-code":\s*(\d+)/.exec(line)?.[1];
      if (code !== undefined) this.#exitCode = Number(code);
    }
  }

  async #hear(word: string): Promise<void> {
    const line = await this.#talk.next();
    if (line?.startsWith(word)) return;
    throw await this.#failure();
  }

  #say(word: string): void {
    const talk = this.#child.stdio[3] as Duplex;
    if (talk.writable) talk.write(`${word}\n`);
  }

  /** Written as it is read; whoever ends before that says why elsewhere. */
  #give(at: number, content: string | Uint8Array): void {
    const pipe = this.#pipe(at);
    pipe.on('error', () => undefined);
    pipe.end(content);
  }

  #pipe(at: number): Duplex {
    return this.#child.stdio[at as 3] as Duplex;
  }
}

/** The lines of a stream, one when asked. */
class Lines {
  readonly ended: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;

  constructor(stream: Readable) {
    this.ended = once(stream, 'close').catch(() => undefined);
    stream.on('error', () => undefined);
    this.#lines = linesOf(stream);
  }

  async next(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }
}

async function* linesOf(stream: Readable): AsyncGenerator<string, void, undefined> {
  let rest = '';
  try {
    for await (const chunk of stream) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = (lines.pop() ?? '').slice(-complaintLimit);
      yield* lines;
    }
  } catch {
    // A stream that was destroyed has ended.
  }
}

function signal(processId: number | undefined): void {
  if (processId === undefined) return;
  try {
    process.kill(processId, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
