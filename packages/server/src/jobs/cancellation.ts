import { finalVersionStates } from '@mir/core';
import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { has, requireRight } from '../access/rights.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import { cancellation } from '../images/completion.ts';
import { settleStatus } from '../images/current-version.ts';
import { cancelIfUnwanted } from '../images/removal.ts';
import type { InstanceContext } from '../instance-context.ts';

/**
 * Cancels a build for the versions that the caller may change. It goes on as long as somebody else's image waits for it.
 *
 * @throws Fault `job/unknown`, `job/finished`, `access/forbidden`
 */
export async function cancelJob(context: InstanceContext, caller: Caller, id: string, trace: Trace): Promise<void> {
  await transaction(context.db, async (trx) => {
    const job = /^[0-9a-f-]{36}$/i.test(id)
      ? await trx
          .selectFrom('jobs')
          .where('id', '=', id)
          // Of others, such as test runs, nothing is told here, and they have ways of their own.
          .where('kind', '=', 'build')
          .forUpdate()
          .select(['id', 'state'])
          .executeTakeFirst()
      : undefined;
    if (job === undefined) {
      throw serverFault('job/unknown', {
        what: `There is no job ${id.slice(0, 100)}`,
        hint: 'Use the jobId of the answer that started it.',
      });
    }
    const versions = await trx
      .selectFrom('versions')
      .innerJoin('images', 'images.id', 'versions.image_id')
      .where('versions.job_id', '=', job.id)
      .where('versions.state', 'not in', finalVersionStates)
      .select([
        'versions.id',
        'versions.image_id as imageId',
        'images.name',
        'images.creator_id as creatorId',
        'images.workspace_id as workspaceId',
      ])
      .execute();
    const [first] = versions;
    if (first === undefined || (job.state !== 'QUEUED' && job.state !== 'RUNNING')) {
      throw serverFault('job/finished', {
        what: `The job ${id} has ended already`,
        subject: id,
        hint: 'There is nothing to cancel.',
      });
    }
    const mine = versions.filter((version) => has(caller, 'change', version));
    if (mine.length === 0) requireRight(caller, 'change', 'Cancelling this build', first);
    await trx
      .updateTable('versions')
      .set({ state: 'CANCELLED', failure: JSON.stringify(cancellation), finished_at: sql<Date>`now()` })
      .where(
        'id',
        'in',
        mine.map((version) => version.id),
      )
      .execute();
    for (const { imageId } of mine) await settleStatus(trx, imageId);
    await cancelIfUnwanted(trx, job.id);
    for (const { name } of mine)
      await audit(trx, { caller, trace, action: 'job.cancel', subject: name, new: { job: job.id } });
  });
}
