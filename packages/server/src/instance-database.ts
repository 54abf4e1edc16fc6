import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { sql } from 'kysely';
import { type DatabaseAddress, openDatabase } from './database/connection.ts';
import { EmbeddedPostgres } from './database/embedded-postgres.ts';
import { migrations } from './database/migrations/migrations.ts';
import { migrate } from './database/migrations.ts';
import { Notifications } from './database/notifications.ts';
import type { Tables } from './database/schema.ts';
import type { Db } from './instance-context.ts';
import { channels } from './jobs/queue.ts';
import type { Settings } from './settings.ts';

/** The database of the instance, opened and in the form that this program needs. */
export type InstanceDatabase = AsyncDisposable & {
  readonly db: Db;
  readonly address: DatabaseAddress;
  readonly notifications: Notifications;
};

/** Opens the database that the settings name, or an embedded one below a home. */
export async function openInstanceDatabase(
  settings: Settings,
  home: string,
  logger: FastifyBaseLogger,
  name: string,
): Promise<InstanceDatabase> {
  await using opening = new AsyncDisposableStack();
  const embedded =
    settings.database_url === undefined
      ? opening.use(
          await EmbeddedPostgres.start({
            directory: join(home, 'postgres'),
            onLog: (line) => logger.debug({ line }, 'postgres'),
          }),
        )
      : undefined;
  const address: DatabaseAddress =
    embedded === undefined ? { url: settings.database_url ?? '' } : { url: embedded.url };
  const db = await openDatabase<Tables>({
    ...address,
    poolSize: settings.database_connections,
    applicationName: name,
    onConnectionLost: (lost) => logger.warn({ err: lost }, 'a connection to the database was lost'),
  });
  opening.defer(() => db.destroy());
  for (const done of await migrate(db, migrations)) logger.info({ migration: done }, 'database migrated');
  const notifications = opening.use(await Notifications.open(address, Object.values(channels)));
  const opened = opening.move();
  return { db, address, notifications, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Why the database cannot be worked with, in one sentence; undefined when it can. */
export async function databaseProblem(db: Db): Promise<string | undefined> {
  try {
    await sql`select 1`.execute(db);
    return undefined;
  } catch {
    return 'The database does not answer';
  }
}
