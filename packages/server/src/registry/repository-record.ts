import { sql } from 'kysely';
import type { Db, Trx } from '../instance-context.ts';
import type { Provenance } from './image-registry.ts';

/** A repository of the registry that has that host. */
type Place = { readonly registry: string; readonly repository: string };

/** Whether a repository is there, as far as the records say. */
export async function isMade(db: Db, { registry, repository }: Place): Promise<boolean> {
  const found = await db
    .selectFrom('registry_repositories')
    .where('registry', '=', registry)
    .where('repository', '=', repository)
    .where('made_at', 'is not', null)
    .where('lost_at', 'is', null)
    .where('removed_at', 'is', null)
    .select('repository')
    .executeTakeFirst();
  return found !== undefined;
}

/** What is recorded of a repository; nothing when it was never asked for. */
export function findRecord(db: Db, { registry, repository }: Place) {
  return db
    .selectFrom('registry_repositories')
    .where('registry', '=', registry)
    .where('repository', '=', repository)
    .select(['made_at as madeAt', 'removed_at as removedAt'])
    .executeTakeFirst();
}

/** Records that a repository is asked for. Written at once, whatever becomes of a transaction. @returns whether it was before */
export async function recordAsking(db: Db, place: Place): Promise<Provenance['asked']> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('registry_repositories')
    .values(place)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 0n) return 'never';
  const known = await findRecord(db, place);
  return known?.madeAt == null ? 'perhaps' : 'once';
}

/** Records that a repository is there. */
export async function recordMaking(trx: Trx, { registry, repository }: Place): Promise<void> {
  await trx
    .updateTable('registry_repositories')
    .set({ made_at: sql<Date>`now()`, lost_at: null, removed_at: null })
    .where('registry', '=', registry)
    .where('repository', '=', repository)
    .execute();
}

/** Records that a repository was removed by this instance. */
export async function recordRemoval(trx: Trx, { registry, repository }: Place): Promise<void> {
  await trx
    .updateTable('registry_repositories')
    .set({ removed_at: sql<Date>`now()` })
    .where('registry', '=', registry)
    .where('repository', '=', repository)
    .execute();
}

/** Records that repositories are no longer there, though this instance did not remove them; whoever builds into them asks for them again. */
export async function recordLoss(trx: Trx, registry: string, repositories: readonly string[]): Promise<void> {
  await trx
    .updateTable('registry_repositories')
    .set({ lost_at: sql<Date>`now()` })
    .where('registry', '=', registry)
    .where('repository', 'in', [...repositories])
    .execute();
}

/** Forgets that a repository was ever asked for: it is somebody else's. */
export async function forgetRecord(db: Db, { registry, repository }: Place): Promise<void> {
  await db
    .deleteFrom('registry_repositories')
    .where('registry', '=', registry)
    .where('repository', '=', repository)
    .execute();
}

/** Making and removing the same repository wait for each other, on whichever server. */
export async function lockRepository(trx: Trx, { registry, repository }: Place): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`mir/repository ${registry} ${repository}`}, 0))`.execute(
    trx,
  );
}
