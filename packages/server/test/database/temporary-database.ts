import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import pg from 'pg';
import { openDatabase } from '../../src/database/connection.ts';
import { type EmbeddedConnection, EmbeddedPostgres } from '../../src/database/embedded-postgres.ts';
import { type Migration, migrate } from '../../src/database/migrations.ts';

/** A database of a test's own: an address for `openDatabase({ embedded })`, or as text for another process. */
export type TemporaryDatabase = {
  readonly connection: EmbeddedConnection;
  readonly url: string;
};

type Server = {
  readonly directory: string;
  readonly embedded: EmbeddedPostgres;
  /** One superuser's connection, so that two databases are never copied from one template at once. */
  readonly administration: pg.Client;
  readonly templates: Map<string, Promise<string>>;
};

let server: Promise<Server> | undefined;

// Of the whole file, whichever test starts it: hooks made here belong to no test.
after(async () => {
  const started = await server;
  if (started === undefined) return;
  await started.administration.end();
  await started.embedded.stop();
  await rm(started.directory, { recursive: true });
});

/**
 * A new database with these migrations done, in the one PostgreSQL of this test process. The migrations run once per process; every
 * further database is a copy. Everything is removed when the file's tests are over; pools should be closed by then.
 */
export async function temporaryDatabase(migrations: readonly Migration[] = []): Promise<TemporaryDatabase> {
  server ??= startServer();
  const { embedded, administration, templates } = await server;
  const key = createHash('sha256').update(JSON.stringify(migrations)).digest('hex').slice(0, 16);
  let template = templates.get(key);
  if (template === undefined) {
    template = makeTemplate(embedded, administration, `template_${key}`, migrations);
    templates.set(key, template);
  }
  const database = `test_${randomUUID().replaceAll('-', '')}`;
  await administration.query(`create database ${database} template ${await template} owner mir`);
  return addressOf(embedded, database);
}

async function startServer(): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'mir-test-database-'));
  const embedded = await EmbeddedPostgres.start({ directory });
  const administration = new pg.Client({ ...embedded.administration });
  administration.on('error', () => undefined);
  await administration.connect();
  return { directory, embedded, administration, templates: new Map() };
}

async function makeTemplate(
  embedded: EmbeddedPostgres,
  administration: pg.Client,
  name: string,
  migrations: readonly Migration[],
): Promise<string> {
  await administration.query(`create database ${name} owner mir`);
  if (migrations.length === 0) return name;
  const database = await openDatabase({ embedded: addressOf(embedded, name) });
  try {
    await migrate(database, migrations);
  } finally {
    await database.destroy();
  }
  return name;
}

function addressOf(embedded: EmbeddedPostgres, database: string): TemporaryDatabase {
  const url = new URL(embedded.url);
  url.pathname = `/${database}`;
  return { connection: { ...embedded.connection, database }, url: url.href };
}
