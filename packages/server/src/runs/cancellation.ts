import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { requireRight } from '../access/rights.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { InstanceContext } from '../instance-context.ts';
import { endJob } from '../jobs/ending.ts';
import { channels } from '../jobs/queue.ts';
import { findRun } from './run-details.ts';

/** What a cancelled run says of itself. */
export const runCancellation = {
  code: 'job/cancelled',
  what: 'The test run was cancelled',
  hint: 'Start it again when you need it.',
} as const;

/** Cancels a test run: at once when it waits, else within a moment. @throws Fault `run/unknown`, `job/finished`, `access/forbidden` */
export async function cancelRun(context: InstanceContext, caller: Caller, id: string, trace: Trace): Promise<void> {
  await transaction(context.db, async (trx) => {
    const run = await findRun(trx, caller, id);
    requireRight(caller, 'change', 'Cancelling this test run', run);
    const { state } = await trx
      .selectFrom('jobs')
      .where('id', '=', run.jobId)
      .forUpdate()
      .select('state')
      .executeTakeFirstOrThrow();
    if (state === 'QUEUED') await endJob(trx, run.jobId, 'CANCELLED', runCancellation);
    else if (state === 'RUNNING') {
      await trx
        .updateTable('jobs')
        .set({ cancel_requested_at: sql<Date>`coalesce(cancel_requested_at, now())` })
        .where('id', '=', run.jobId)
        .execute();
      await sql`select pg_notify(${channels.cancelled}, ${run.jobId})`.execute(trx);
    } else {
      throw serverFault('job/finished', {
        what: `The test run ${id} has ended already`,
        subject: id,
        hint: 'There is nothing to cancel.',
      });
    }
    await audit(trx, { caller, trace, action: 'run.cancel', subject: run.imageName, new: { run: id } });
  });
}
