import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { openDataFolder } from './data-folder.ts';
import { becomeOwner } from './directory-owner.ts';
import { databaseFault } from './fault.ts';
import { findLauncher } from './postgres-launcher.ts';
import { PostgresLog } from './postgres-log.ts';
import { stopLeftProcesses } from './postgres-processes.ts';
import { findPackage, openPrograms } from './postgres-programs.ts';
import { PostgresServer } from './postgres-server.ts';
import { postgresAccess, postgresSettings } from './postgres-settings.ts';
import { openSocketFolder, socketPort } from './socket-folder.ts';
import { asUnreachable } from './unreachable.ts';

/** What a client needs to reach the embedded PostgreSQL. */
export type EmbeddedConnection = {
  /** The folder of the socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
};

/** How an embedded PostgreSQL is started. */
export type EmbeddedPostgresOptions = {
  /** Where everything of it lies; made when it is not there, for its owner alone. */
  readonly directory: string;
  /** Gets each line of its log, which is also in `postgres.log` below the directory. */
  readonly onLog?: (line: string) => void;
};

const ownName = 'mir';

/**
 * A PostgreSQL that this process runs for itself: on a socket that only its owner can reach, with everything it keeps in one folder.
 *
 * Kill -9 of it, of this process or of both loses nothing that was committed. It is started again when it dies, ends when this
 * process ends, and no two ever run on one directory.
 */
export class EmbeddedPostgres implements AsyncDisposable {
  /** As the owner of the database, with no rights beyond it. */
  readonly connection: EmbeddedConnection;
  /** As the superuser. */
  readonly administration: EmbeddedConnection;
  readonly #server: PostgresServer;
  readonly #ownership: AsyncDisposable;
  #stopped: Promise<void> | undefined;

  private constructor(host: string, server: PostgresServer, ownership: AsyncDisposable) {
    this.connection = { host, port: socketPort, user: ownName, database: ownName };
    this.administration = { host, port: socketPort, user: 'postgres', database: 'postgres' };
    this.#server = server;
    this.#ownership = ownership;
  }

  /**
   * Starts it and waits until it answers.
   *
   * @throws Fault `database/already-running`, `database/directory`, `database/no-programs`, `database/no-user`,
   * `database/other-version`, `database/not-started`
   */
  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const directory = resolve(options.directory);
    try {
      return await EmbeddedPostgres.#start(directory, options.onLog);
    } catch (thrown) {
      if (!(thrown instanceof Error && 'syscall' in thrown)) throw thrown;
      throw databaseFault('database/directory', {
        what: `${directory} cannot hold the database: ${thrown.message}`,
        subject: directory,
        hint: 'Make room there, or set MIR_HOME to another folder that you may write to.',
        cause: thrown,
      });
    }
  }

  static async #start(directory: string, onLog: ((line: string) => void) | undefined): Promise<EmbeddedPostgres> {
    const installed = findPackage();
    await openDirectory(directory);
    await using begun = new AsyncDisposableStack();
    const ownership = begun.use(await becomeOwner(directory));
    const data = join(directory, 'data');
    await stopLeftProcesses(data);
    const programs = await openPrograms(directory, installed);
    const launcher = await findLauncher(programs);
    await openDataFolder(data, programs, launcher);
    const socketFolder = await openSocketFolder(directory);
    const settingsFile = join(directory, 'postgresql.conf');
    const accessFile = join(directory, 'pg_hba.conf');
    await writeFile(accessFile, postgresAccess, { mode: 0o600 });
    await writeFile(settingsFile, postgresSettings({ socketFolder, accessFile }), { mode: 0o600 });
    const log = new PostgresLog(join(directory, 'postgres.log'), onLog);
    const server = new PostgresServer({ data, settingsFile, socketFolder, programs, launcher, log });
    begun.defer(() => server.stop());
    await server.start();
    const embedded = new EmbeddedPostgres(socketFolder, server, ownership);
    await makeDatabase(embedded.administration);
    begun.move();
    return embedded;
  }

  /** The connection as a value for `DATABASE_URL`, for a process beside this one. */
  get url(): string {
    const { host, port, user, database } = this.connection;
    return `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`;
  }

  /** The number of its main process, while it runs. */
  get pid(): number | undefined {
    return this.#server.pid;
  }

  /** Ends it in order: what runs in it is broken off, what is committed is on the disk. */
  stop(): Promise<void> {
    // Once only: after that the directory may be another's.
    this.#stopped ??= this.#server.stop().finally(() => this.#ownership[Symbol.asyncDispose]());
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

async function openDirectory(directory: string): Promise<void> {
  // initdb puts its own path between double quotes and has a shell read that.
  const sign = /["$`\\\n\r]/.exec(directory)?.[0];
  if (sign !== undefined) {
    throw databaseFault('database/directory', {
      what: `The path ${directory} has a ${JSON.stringify(sign)} in it, and PostgreSQL cannot be started from there`,
      subject: directory,
      hint: 'Set MIR_HOME to a folder without such signs in its path.',
    });
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const facts = await stat(directory);
  if (facts.uid !== process.geteuid?.()) {
    throw databaseFault('database/directory', {
      what: `${directory} belongs to user ${facts.uid}, and this is user ${process.geteuid?.()}`,
      subject: directory,
      hint: 'Start this as the user to whom the folder belongs, or set MIR_HOME to a folder of your own.',
    });
  }
  if ((facts.mode & 0o077) !== 0) await chmod(directory, 0o700);
}

/** The account and the database; whatever of both a killed first start has not got to. */
async function makeDatabase(administration: EmbeddedConnection): Promise<void> {
  const client = new pg.Client({ ...administration });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ hasRole: boolean; hasDatabase: boolean }>(
      `select exists (select from pg_roles where rolname = $1) as "hasRole",
        exists (select from pg_database where datname = $1) as "hasDatabase"`,
      [ownName],
    );
    const name = client.escapeIdentifier(ownName);
    if (rows[0]?.hasRole !== true) await client.query(`create role ${name} login`);
    if (rows[0]?.hasDatabase !== true) await client.query(`create database ${name} owner ${name}`);
  } catch (thrown) {
    throw asUnreachable(thrown, `the embedded PostgreSQL in ${administration.host}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}
