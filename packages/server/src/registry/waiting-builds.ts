import { type FaultData, finalVersionStates } from '@mir/core';
import { sql } from 'kysely';
import { settleStatus } from '../images/current-version.ts';
import { isAwaited } from '../images/versions.ts';
import type { Db, Trx } from '../instance-context.ts';
import { endJob } from '../jobs/ending.ts';
import { release } from '../jobs/queue.ts';

/** The builds that wait for an image's repository, or are under way for it. */
export async function waitingJobs(db: Db, repository: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('versions')
    .innerJoin('images', 'images.id', 'versions.image_id')
    .where('images.repository', '=', repository)
    .where('versions.state', 'not in', finalVersionStates)
    .where('versions.job_id', 'is not', null)
    .select('versions.job_id as job')
    .execute();
  return rows.flatMap(({ job }) => job ?? []);
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
    .where('versions.state', 'not in', finalVersionStates)
    .returning('versions.image_id')
    .execute();
  for (const { image_id: imageId } of ended) await settleStatus(trx, imageId);
  for (const job of waiting) await endUnwanted(trx, job, failure);
}

async function endUnwanted(trx: Trx, job: string, failure: FaultData): Promise<void> {
  if (await isAwaited(trx, job)) {
    // Those that are left may have waited for nothing but this.
    await release(trx, [job]);
    return;
  }
  const row = await trx.selectFrom('jobs').where('id', '=', job).select('state').executeTakeFirst();
  if (row?.state === 'QUEUED') await endJob(trx, job, 'FAILED', failure);
}
