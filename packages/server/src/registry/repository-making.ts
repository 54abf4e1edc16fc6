import { type FaultData, isFault } from '@mir/core';
import { sql } from 'kysely';
import { settleStatus } from '../images/current-version.ts';
import type { Db, InstanceContext, Trx } from '../instance-context.ts';
import { endJob } from '../jobs/ending.ts';
import type { JobPriority } from '../jobs/job.ts';
import { channels, release } from '../jobs/queue.ts';
import type { Provenance, StoredImage } from './image-registry.ts';

/** The kind of the outbox's rows that ask for a repository. */
export const makingKind = 'make-repository';

/** What such a row says. */
export type MakingPayload = { readonly repository: string };

/** For whom a repository is asked for, and how urgently. */
type Asking = { readonly priority: JobPriority; readonly workspaceId: number | null };

/**
 * Asks for the repository of an image, in the transaction of the build that needs it.
 *
 * @returns whether the build has to wait for it
 */
export async function askForRepository(
  { registry }: InstanceContext,
  trx: Trx,
  repository: string,
  { priority, workspaceId }: Asking,
): Promise<boolean> {
  if (registry.host === undefined || !registry.makesRepositories) return false;
  if (await isMade(trx, registry.host, repository)) return false;
  const payload: MakingPayload = { repository };
  await trx
    .insertInto('outbox')
    .values({ kind: makingKind, priority, workspace_id: workspaceId, payload: JSON.stringify(payload) })
    .execute();
  await sql`select pg_notify(${channels.outbox}, ${makingKind})`.execute(trx);
  return true;
}

/** Whether a registry has a repository, as far as this instance knows; one that makes them by itself always has. */
export async function hasRepository({ registry }: InstanceContext, db: Db, repository: string): Promise<boolean> {
  if (registry.host === undefined || !registry.makesRepositories) return true;
  return isMade(db, registry.host, repository);
}

/** Makes a repository that was asked for, and lets the builds go that wait for it. @throws Fault of the registry */
export async function makeRepository(context: InstanceContext, trx: Trx, repository: string): Promise<void> {
  // Removed meanwhile: what is made now, nobody would remove.
  if (!(await isNeeded(trx, repository))) return;
  // It takes as long as making a repository: beside each other.
  const hasPool = standsPool(context, trx);
  hasPool.catch(() => undefined);
  await lock(trx, context.registry.host ?? '', repository);
  // Again: it may have been removed until its removal let go of the lock.
  if (!(await isNeeded(trx, repository))) return;
  await ensure(context, trx, repository);
  if (!(await hasPool)) await makePool(context, trx);
  await release(trx, await waitingJobs(trx, repository));
}

/**
 * Whether the layer pool is there, if it was ever made. Nobody else would notice that it was removed: builds that cannot mount from it upload.
 *
 * @throws Fault of the registry
 */
export async function standsPool({ registry, repositories }: InstanceContext, db: Db): Promise<boolean> {
  const { pool } = repositories;
  if (registry.host === undefined || !registry.makesRepositories) return true;
  return (await isMade(db, registry.host, pool)) && (await registry.isThere(repositories.path(pool)));
}

/** Makes the layer pool, which {@link standsPool} has not found. @throws Fault of the registry */
export async function makePool(context: InstanceContext, trx: Trx): Promise<void> {
  // That it is gone is not written down: the record is read and written beside the transaction, which would wait for itself.
  await ensure(context, trx, context.repositories.pool, { isGone: true });
}

/** Removes a repository of the instance; nothing is asked where it never had one. @throws Fault of the registry */
export async function removeRepository(
  { registry, repositories }: InstanceContext,
  trx: Trx,
  repository: string,
): Promise<void> {
  const { host } = registry;
  if (host === undefined || !registry.makesRepositories)
    return registry.removeRepository(repositories.path(repository));
  await lock(trx, host, repository);
  const known = await trx
    .selectFrom('registry_repositories')
    .where('registry', '=', host)
    .where('repository', '=', repository)
    .select(['made_at', 'removed_at'])
    .executeTakeFirst();
  // What stands there after it was removed, somebody else has made.
  if (known === undefined || known.removed_at !== null) return;
  const path = repositories.path(repository);
  // Asked for and never seen: it may be there, and may as well be somebody else's.
  if (known.made_at !== null && !isForeign(await versionsOf(trx, repository), await registry.images(path)))
    await registry.removeRepository(path);
  await trx
    .updateTable('registry_repositories')
    .set({ removed_at: sql<Date>`now()` })
    .where('registry', '=', host)
    .where('repository', '=', repository)
    .execute();
}

/** Ends the builds that wait for a repository that cannot be had. Builds that others wait for as well go on. */
export async function failWaiting(trx: Trx, repository: string, failure: FaultData): Promise<void> {
  const waiting = await waitingJobs(trx, repository);
  const ended = await trx
    .updateTable('versions')
    .from('images')
    .set({ state: 'FAILED', failure: JSON.stringify(failure), finished_at: sql<Date>`now()` })
    .whereRef('images.id', '=', 'versions.image_id')
    .where('images.repository', '=', repository)
    .where('versions.state', 'not in', ['READY', 'FAILED', 'CANCELLED'])
    .returning('versions.image_id')
    .execute();
  for (const { image_id: imageId } of ended) await settleStatus(trx, imageId);
  for (const job of waiting) await endUnwanted(trx, job, failure);
}

/** The builds that wait for an image's repository, or are under way for it. */
export async function waitingJobs(db: Db, repository: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('versions')
    .innerJoin('images', 'images.id', 'versions.image_id')
    .where('images.repository', '=', repository)
    .where('versions.state', 'not in', ['READY', 'FAILED', 'CANCELLED'])
    .where('versions.job_id', 'is not', null)
    .select('versions.job_id as job')
    .execute();
  return rows.flatMap(({ job }) => job ?? []);
}

/**
 * Whether a repository that this instance has put images into holds none of them, but others: it was removed behind our back, and somebody else has made
 * one of that name.
 */
export function isForeign(versions: readonly OwnVersion[], stored: readonly StoredImage[] | undefined): boolean {
  const digests = digestsOf(versions);
  if (digests.size === 0 || stored === undefined || stored.length === 0) return false;
  // A worker that died after its push has left a tag, and nobody wrote the digest down.
  const inDoubt = new Set(versions.filter(({ digest }) => digest === null).map(({ tag }) => tag));
  return !stored.some(({ digest, tags }) => digests.has(digest) || tags.some((tag) => inDoubt.has(tag)));
}

/** What tells that a repository is ours; `digest` is null while nobody knows whether it was pushed. */
type OwnVersion = { readonly digest: string | null; readonly tag: string };

/** Says that repositories are no longer there; whoever builds into them asks for them again. */
export async function loseRepository(
  { registry: { host } }: InstanceContext,
  trx: Trx,
  ...names: readonly string[]
): Promise<void> {
  await trx
    .updateTable('registry_repositories')
    .set({ lost_at: sql<Date>`now()` })
    .where('registry', '=', host ?? '')
    .where('repository', 'in', [...names])
    .execute();
}

/** Says that repositories of a build are no longer there, and asks for them again. @returns whether there are any that are made */
export async function forgetRepositories(
  context: InstanceContext,
  trx: Trx,
  job: string,
  priority: JobPriority,
): Promise<boolean> {
  const { host, makesRepositories } = context.registry;
  if (host === undefined || !makesRepositories) return false;
  const rows = await trx
    .selectFrom('versions')
    .innerJoin('images', 'images.id', 'versions.image_id')
    .where('versions.job_id', '=', job)
    .where('versions.state', 'not in', ['READY', 'FAILED', 'CANCELLED'])
    .where('images.removed_at', 'is', null)
    .select('images.repository')
    .execute();
  const names = rows.map(({ repository }) => repository);
  if (names.length === 0) return false;
  await loseRepository(context, trx, ...names);
  for (const name of names) await askForRepository(context, trx, name, { priority, workspaceId: null });
  return true;
}

/** Makes one repository, once, or when it is known to have gone: the record that it was asked for stands before anything is asked. */
async function ensure(
  { db, registry, repositories }: InstanceContext,
  trx: Trx,
  repository: string,
  { isGone = false } = {},
): Promise<void> {
  const { host } = registry;
  if (host === undefined) return;
  const stands = async () => !isGone && (await isMade(trx, host, repository));
  if (await stands()) return;
  await lock(trx, host, repository);
  if (await stands()) return;
  const asked = await record(db, host, repository);
  const path = repositories.path(repository);
  try {
    await registry.ensureRepository(path, { asked, digests: digestsOf(await versionsOf(trx, repository)) });
  } catch (thrown) {
    if (isFault(thrown, 'repository/not-ours')) await forget(db, host, repository);
    throw thrown;
  }
  await trx
    .updateTable('registry_repositories')
    .set({ made_at: sql<Date>`now()`, lost_at: null, removed_at: null })
    .where('registry', '=', host)
    .where('repository', '=', repository)
    .execute();
}

/** Written at once, whatever becomes of the transaction. */
async function record(db: Db, registry: string, repository: string): Promise<Provenance['asked']> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('registry_repositories')
    .values({ registry, repository })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 0n) return 'never';
  const known = await db
    .selectFrom('registry_repositories')
    .where('registry', '=', registry)
    .where('repository', '=', repository)
    .select('made_at')
    .executeTakeFirst();
  return known?.made_at == null ? 'perhaps' : 'once';
}

/** The versions that this instance has put into a repository, or has tried to. */
function versionsOf(db: Db, repository: string): Promise<readonly OwnVersion[]> {
  return db
    .selectFrom('versions')
    .innerJoin('images', 'images.id', 'versions.image_id')
    .where('images.repository', '=', repository)
    .select(['versions.digest', 'versions.tag'])
    .execute();
}

function digestsOf(versions: readonly OwnVersion[]): ReadonlySet<string> {
  return new Set(versions.flatMap(({ digest }) => digest ?? []));
}

async function forget(db: Db, registry: string, repository: string): Promise<void> {
  await db
    .deleteFrom('registry_repositories')
    .where('registry', '=', registry)
    .where('repository', '=', repository)
    .execute();
}

async function isMade(db: Db, registry: string, repository: string): Promise<boolean> {
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

/** Whether there is an image of that repository, which is not removed. */
async function isNeeded(db: Db, repository: string): Promise<boolean> {
  const image = await db
    .selectFrom('images')
    .where('repository', '=', repository)
    .where('removed_at', 'is', null)
    .select('id')
    .executeTakeFirst();
  return image !== undefined;
}

/** Making and removing the same repository wait for each other, on whichever server. */
async function lock(trx: Trx, registry: string, repository: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`mir/repository ${registry} ${repository}`}, 0))`.execute(
    trx,
  );
}

async function endUnwanted(trx: Trx, job: string, failure: FaultData): Promise<void> {
  const wanted = await trx
    .selectFrom('versions')
    .where('job_id', '=', job)
    .where('state', 'not in', ['READY', 'FAILED', 'CANCELLED'])
    .select('id')
    .limit(1)
    .executeTakeFirst();
  if (wanted !== undefined) {
    // Those that are left may have waited for nothing but this.
    await release(trx, [job]);
    return;
  }
  const row = await trx.selectFrom('jobs').where('id', '=', job).select('state').executeTakeFirst();
  if (row?.state === 'QUEUED') await endJob(trx, job, 'FAILED', failure);
}
