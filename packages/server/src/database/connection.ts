import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { columnTypes } from './column-types.ts';
import type { EmbeddedConnection } from './embedded-postgres.ts';
import { databaseFault } from './fault.ts';
import { asUnreachable } from './unreachable.ts';

/** Which database, and how it is used. */
export type DatabaseOptions = DatabaseAddress & {
  /** How many connections at most. */
  readonly poolSize?: number;
  /** What takes longer is broken off. */
  readonly statementTimeoutSeconds?: number;
  /** How long to wait for a connection, a free one or a new one. */
  readonly connectTimeoutSeconds?: number;
  /** The name under which the database lists our connections. */
  readonly applicationName?: string;
  /** Learns of connections that were lost while nobody used them; they are replaced by themselves. */
  readonly onConnectionLost?: (lost: Error) => void;
};

/** An address as in `DATABASE_URL`, or a PostgreSQL of our own. */
export type DatabaseAddress =
  | { readonly url: string; readonly embedded?: never }
  | { readonly embedded: { readonly connection: EmbeddedConnection }; readonly url?: never };

/** A table by its name, each with its columns: what Kysely checks queries against. */
export type Database<Tables> = Kysely<Tables>;

/** Older ones lack what the queries use. */
const oldestVersion = 15;

/**
 * Opens a database and asks it once, so that a wrong address shows at the start. `destroy()` closes it.
 *
 * @throws Fault `database/settings`, `database/unreachable`, `database/unsuitable`
 */
export async function openDatabase<Tables>(options: DatabaseOptions): Promise<Database<Tables>> {
  const address = addressOf(options);
  const pool = new pg.Pool({
    ...address.config,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: (options.connectTimeoutSeconds ?? 10) * 1000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    statement_timeout: (options.statementTimeoutSeconds ?? 30) * 1000,
    // A transaction whose holder has forgotten it would hold back everybody else's.
    idle_in_transaction_session_timeout: 60_000,
    application_name: options.applicationName ?? 'mir',
    types: columnTypes,
  });
  const onLost = (lost: Error) => options.onConnectionLost?.(lost);
  pool.on('error', onLost);
  // The pool listens to idle connections only. One that breaks between two queries of a transaction would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  try {
    await assertSuitable(database, address.display);
  } catch (thrown) {
    await database.destroy();
    throw asUnreachable(thrown, address.display);
  }
  return database;
}

type Address = {
  readonly config: pg.PoolConfig;
  /** For a person: without the password. */
  readonly display: string;
};

/** How `pg` reaches a database. @throws Fault `database/settings` */
export function addressOf(options: DatabaseAddress): Address {
  if (options.embedded !== undefined) {
    const { host, port, user, database } = options.embedded.connection;
    return { config: { host, port, user, database }, display: `the embedded PostgreSQL in ${host}` };
  }
  const url = parsedUrl(options.url);
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && !/^(disable|require|verify-ca|verify-full)$/.test(mode)) {
    throw databaseFault('database/settings', {
      what: `DATABASE_URL has sslmode=${mode}, which is unknown or leaves open whether the connection is encrypted`,
      subject: 'DATABASE_URL',
      hint: 'Say disable, require, verify-ca or verify-full.',
    });
  }
  // The modes mean what they mean to every other client of PostgreSQL.
  if (mode !== null && !url.searchParams.has('uselibpqcompat')) url.searchParams.set('uselibpqcompat', 'true');
  return { config: { connectionString: url.href }, display: displayOf(url) };
}

function parsedUrl(text: string): URL {
  // An address without a host (it stands behind `?host=`, as the folder of a socket does) is none to the parser of URLs.
  const url = URL.parse(text.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=[/?#]|$)/, '$1localhost'));
  if (url?.protocol === 'postgres:' || url?.protocol === 'postgresql:') return url;
  throw databaseFault('database/settings', {
    // The value may hold a password, whatever else is wrong with it.
    what: 'DATABASE_URL is not an address of a PostgreSQL',
    subject: 'DATABASE_URL',
    hint: 'Write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full; special characters in the password as %XX.',
  });
}

function displayOf(url: URL): string {
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  const user = url.searchParams.get('user') ?? decodeURIComponent(url.username);
  const port = url.searchParams.get('port') ?? url.port;
  const who = user === '' ? '' : `${user}@`;
  return `${who}${host || 'localhost'}${port === '' ? '' : `:${port}`}${decodeURIComponent(url.pathname)}`;
}

async function assertSuitable<Tables>(database: Kysely<Tables>, display: string): Promise<void> {
  const answer = await sql<{ version: number; encoding: string }>`
    select current_setting('server_version_num')::int / 10000 as version, current_setting('server_encoding') as encoding
  `.execute(database);
  const { version = 0, encoding = '' } = answer.rows[0] ?? {};
  if (version < oldestVersion) {
    throw databaseFault('database/unsuitable', {
      what: `${display} is PostgreSQL ${version}; ${oldestVersion} is the oldest that will do`,
      subject: display,
      hint: `Use a PostgreSQL of version ${oldestVersion} or newer.`,
    });
  }
  if (encoding === 'UTF8') return;
  throw databaseFault('database/unsuitable', {
    what: `${display} holds its text as ${encoding}, in which not every name can be written`,
    subject: display,
    hint: "Make the database with encoding 'UTF8'.",
  });
}
