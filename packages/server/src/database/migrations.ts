import { createHash } from 'node:crypto';
import { type Kysely, sql, type Transaction } from 'kysely';
import { DatabaseError } from 'pg';
import { databaseFault } from './fault.ts';
import { transaction } from './transaction.ts';

/** One step from an older form of the database to a newer one. There is no way back. */
export type Migration = {
  /** Never changed once it was released, as the statements. */
  readonly name: string;
  readonly sql: string;
};

type Applied = { readonly name: string; readonly checksum: string };

/** Any number will do, as long as nobody else uses it: the first bytes of the sha256 of "managed-image-registry/migrations". */
const lockKey = Number.parseInt(
  createHash('sha256').update('managed-image-registry/migrations').digest('hex').slice(0, 12),
  16,
);

/**
 * Brings a database to the form that this program needs. Each migration is one transaction, which takes the lock, looks what is
 * next, and does it: processes that start at the same time do each migration once, and one that is killed has done it or not.
 *
 * @returns the names of those that this call has done
 * @throws Fault `database/newer-than-program`, `database/migration-changed`, `database/migration-failed`
 */
export async function migrate<Tables>(
  database: Kysely<Tables>,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  const done: string[] = [];
  for (;;) {
    const name = await transaction(database, (step) => migrateOnce(step, migrations));
    if (name === undefined) return done;
    done.push(name);
  }
}

/** The migrations that are not done yet, by name; changes nothing. */
export async function pendingMigrations<Tables>(
  database: Kysely<Tables>,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  return transaction(database, async (step) => {
    const found = await sql<{ found: boolean }>`select to_regclass('schema_migrations') is not null as found`.execute(
      step,
    );
    const applied = found.rows[0]?.found === true ? await readApplied(step) : [];
    assertSameHistory(applied, migrations);
    return migrations.slice(applied.length).map(({ name }) => name);
  });
}

async function migrateOnce<Tables>(
  step: Transaction<Tables>,
  migrations: readonly Migration[],
): Promise<string | undefined> {
  // Waiting for another process, and rewriting a large table, may take longer than any query of a request.
  await sql`set local statement_timeout = 0`.execute(step);
  await sql`select pg_advisory_xact_lock(${lockKey})`.execute(step);
  await sql`
    create table if not exists schema_migrations (
      position integer primary key,
      name text not null unique,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`.execute(step);
  const applied = await readApplied(step);
  assertSameHistory(applied, migrations);
  const next = migrations[applied.length];
  if (next === undefined) return undefined;
  try {
    await sql.raw(next.sql).execute(step);
  } catch (thrown) {
    throw failure(next, thrown);
  }
  await sql`
    insert into schema_migrations (position, name, checksum)
    values (${applied.length + 1}, ${next.name}, ${checksumOf(next)})`.execute(step);
  return next.name;
}

async function readApplied<Tables>(step: Transaction<Tables>): Promise<readonly Applied[]> {
  return (await sql<Applied>`select name, checksum from schema_migrations order by position`.execute(step)).rows;
}

function assertSameHistory(applied: readonly Applied[], migrations: readonly Migration[]): void {
  for (const [at, { name, checksum }] of applied.entries()) {
    const known = migrations[at];
    if (known === undefined || !migrations.some((one) => one.name === name)) {
      throw databaseFault('database/newer-than-program', {
        what: `This program is older than the database: it does not know the migration ${name}`,
        subject: name,
        hint: 'Start the release that made it, or a newer one. To use this release, restore a backup from before.',
      });
    }
    if (known.name === name && checksumOf(known) === checksum) continue;
    const where = known.name === name ? 'says something else' : `comes after ${known.name}`;
    throw databaseFault('database/migration-changed', {
      what: `The database was made by the migration ${name}, which ${where} in this program`,
      subject: name,
      hint: 'Start a release of this program, unchanged; migrations that were released are never edited or reordered.',
    });
  }
}

function checksumOf({ sql: text }: Migration): string {
  return createHash('sha256').update(text).digest('hex');
}

function failure({ name, sql: text }: Migration, thrown: unknown): unknown {
  // A conflict with others is tried again, and a lost connection is no fault of the migration.
  if (!(thrown instanceof DatabaseError) || /^(40001|40P01|57P0\d|08.*)$/.test(thrown.code ?? '')) return thrown;
  const line =
    thrown.position === undefined ? '' : ` at line ${text.slice(0, Number(thrown.position)).split('\n').length}`;
  const hint = thrown.code === '42501' ? 'Give the user of DATABASE_URL the right that it lacks' : 'Report this';
  return databaseFault('database/migration-failed', {
    what: `The migration ${name} failed${line}, and nothing of it was done: ${thrown.message}`,
    subject: name,
    hint: `${hint}; the database is as it was before.`,
    cause: thrown,
  });
}
