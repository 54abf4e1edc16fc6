import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { databaseFault } from './fault.ts';
import type { PostgresLauncher } from './postgres-launcher.ts';
import type { PostgresLog } from './postgres-log.ts';
import { stopLeftProcesses } from './postgres-processes.ts';
import type { PostgresPrograms } from './postgres-programs.ts';
import { removeLeftSocket } from './socket-folder.ts';

/** What a server is started with. */
export type PostgresServerOptions = {
  readonly data: string;
  readonly settingsFile: string;
  readonly socketFolder: string;
  readonly programs: PostgresPrograms;
  readonly launcher: PostgresLauncher;
  readonly log: PostgresLog;
};

type Running = {
  readonly child: ChildProcessByStdio<null, null, Readable>;
  /** Resolves when the main process has ended. */
  readonly ended: Promise<void>;
};

/** Replaying the log after a kill takes seconds; this is for a disk that is in trouble. */
const startMilliseconds = 300_000;
const longestPauseMilliseconds = 10_000;

/** The process of PostgreSQL: started, started again when it dies, stopped. */
export class PostgresServer {
  readonly #options: PostgresServerOptions;
  #running: Running | undefined;
  #supervision: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();

  constructor(options: PostgresServerOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /** @throws Fault `database/not-started` */
  async start(): Promise<void> {
    this.#running = await this.#launch();
    this.#supervision = this.#supervise(this.#running);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    // Waits for the end, and becomes less polite when there is none.
    await stopLeftProcesses(this.#options.data);
    await this.#supervision;
    await this.#options.log.flush();
  }

  async #supervise(first: Running): Promise<void> {
    let running = first;
    let pauseMilliseconds = 50;
    for (;;) {
      const startedAt = performance.now();
      await running.ended;
      this.#running = undefined;
      if (performance.now() - startedAt > longestPauseMilliseconds) pauseMilliseconds = 50;
      for (;;) {
        if (this.#stopping.signal.aborted) return;
        try {
          await stopLeftProcesses(this.#options.data);
          running = await this.#launch();
          break;
        } catch {
          // Its log says why. Whoever asks the database meanwhile is told that it cannot be reached.
        }
        await delay(pauseMilliseconds, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => undefined);
        pauseMilliseconds = Math.min(pauseMilliseconds * 2, longestPauseMilliseconds);
      }
      this.#running = running;
    }
  }

  async #launch(): Promise<Running> {
    const { data, settingsFile, socketFolder, programs, launcher, log } = this.#options;
    await removeLeftSocket(socketFolder);
    this.#stopping.signal.throwIfAborted();
    const [program, ...args] = launcher.command(
      programs.postgres,
      ['-D', data, '-c', `config_file=${settingsFile}`],
      'INT',
    );
    // In a session of its own: Ctrl-C in a terminal is for us, who stop it when we are done with it.
    const child = spawn(program, args, {
      env: launcher.environment,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    const stop = () => {
      child.ref();
      child.kill('SIGINT');
    };
    this.#stopping.signal.addEventListener('abort', stop);
    const ended = endOf(child).finally(() => this.#stopping.signal.removeEventListener('abort', stop));
    const ready = Promise.withResolvers<'ready'>();
    const silence = log.read(child.stderr, (line) => {
      if (line.includes('database system is ready to accept connections')) ready.resolve('ready');
    });
    const timeout = new AbortController();
    const outcome = await Promise.race([
      ready.promise,
      ended.then(() => 'ended' as const),
      delay(startMilliseconds, 'late' as const, { signal: timeout.signal, ref: false }).catch(() => 'late' as const),
    ]);
    timeout.abort();
    if (outcome === 'ready') {
      // It is no reason for us to go on: when we end, it does.
      child.unref();
      if ('unref' in child.stderr && typeof child.stderr.unref === 'function') child.stderr.unref();
      return { child, ended };
    }
    child.kill('SIGKILL');
    await ended;
    await Promise.race([silence, delay(500)]);
    throw databaseFault('database/not-started', {
      what: `The embedded PostgreSQL ${outcome === 'late' ? 'does not get ready' : 'does not start'}: ${log.lastLines}`,
      subject: data,
      hint: `Mend what its last lines name (all of them are in ${log.path}), or set DATABASE_URL to a PostgreSQL of your own.`,
    });
  }
}

async function endOf(child: ChildProcessByStdio<null, null, Readable>): Promise<void> {
  // A program that cannot be started has no exit, only an error.
  await once(child, 'exit').catch(() => undefined);
}
