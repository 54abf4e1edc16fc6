import { isFault } from '@mir/core';
import { destinationsOf } from '../images/completion.ts';
import type { Db, InstanceContext, Trx } from '../instance-context.ts';
import type { JobPriority } from '../jobs/job.ts';
import { release } from '../jobs/queue.ts';
import { putIntoOutbox } from './outbox-entry.ts';
import { digestsOf, ownVersionsOf } from './repository-ownership.ts';
import { forgetRecord, isMade, lockRepository, recordAsking, recordLoss, recordMaking } from './repository-record.ts';
import { waitingJobs } from './waiting-builds.ts';

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
  if (await isMade(trx, { registry: registry.host, repository })) return false;
  const payload: MakingPayload = { repository };
  await putIntoOutbox(trx, makingKind, payload, { priority, workspace_id: workspaceId });
  return true;
}

/** Whether a registry has a repository, as far as this instance knows; one that makes them by itself always has. */
export async function hasRepository({ registry }: InstanceContext, db: Db, repository: string): Promise<boolean> {
  if (registry.host === undefined || !registry.makesRepositories) return true;
  return isMade(db, { registry: registry.host, repository });
}

/** Makes a repository that was asked for, and lets the builds go that wait for it. @throws Fault of the registry */
export async function makeRepository(context: InstanceContext, trx: Trx, repository: string): Promise<void> {
  // Removed meanwhile: what is made now, nobody would remove.
  if (!(await isNeeded(trx, repository))) return;
  // It takes as long as making a repository: beside each other.
  const hasPool = standsPool(context, trx);
  hasPool.catch(() => undefined);
  await lockRepository(trx, { registry: context.registry.host ?? '', repository });
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
  return (
    (await isMade(db, { registry: registry.host, repository: pool })) &&
    (await registry.isThere(repositories.path(pool)))
  );
}

/** Makes the layer pool, which {@link standsPool} has not found. @throws Fault of the registry */
export async function makePool(context: InstanceContext, trx: Trx): Promise<void> {
  // That it is gone is not written down: the record is read and written beside the transaction, which would wait for itself.
  await ensure(context, trx, context.repositories.pool, { isGone: true });
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
  const names = (await destinationsOf(trx, job)).map(({ repository }) => repository);
  if (names.length === 0) return false;
  await recordLoss(trx, host, names);
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
  const place = { registry: host, repository };
  const stands = async () => !isGone && (await isMade(trx, place));
  if (await stands()) return;
  await lockRepository(trx, place);
  if (await stands()) return;
  const asked = await recordAsking(db, place);
  const path = repositories.path(repository);
  try {
    await registry.ensureRepository(path, { asked, digests: digestsOf(await ownVersionsOf(trx, repository)) });
  } catch (thrown) {
    if (isFault(thrown, 'repository/not-ours')) await forgetRecord(db, place);
    throw thrown;
  }
  await recordMaking(trx, place);
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
