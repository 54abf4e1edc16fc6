import { sql } from 'kysely';
import { transaction } from '../database/transaction.ts';
import type { InstanceContext } from '../instance-context.ts';
import { type ClaimedJob, channels } from '../jobs/queue.ts';
import { orderFor } from './build-order.ts';
import type { BuildPayload } from './build-payload.ts';
import type { BuildProcess } from './build-process.ts';

const silent = { onProgress: () => undefined, onLog: () => undefined };

/** Makes a plan and leaves it with its job, for the request that waits for it. @throws Fault of the plan */
export async function runPlanJob(
  context: InstanceContext,
  worker: string,
  job: ClaimedJob,
  process: BuildProcess,
): Promise<void> {
  const result = await process.plan(await orderFor(context, job.payload as BuildPayload), silent);
  await transaction(context.db, async (trx) => {
    await trx
      .updateTable('jobs')
      .set({ state: 'SUCCEEDED', result: JSON.stringify(result), finished_at: sql<Date>`now()`, lease_until: null })
      .where('id', '=', job.id)
      .where('worker_id', '=', worker)
      .where('state', '=', 'RUNNING')
      .execute();
    await sql`select pg_notify(${channels.changed}, ${job.id})`.execute(trx);
  });
}
