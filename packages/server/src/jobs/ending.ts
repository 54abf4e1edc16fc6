import type { FaultData } from '@mir/core';
import { sql } from 'kysely';
import type { Trx } from '../instance-context.ts';
import { channels } from './queue.ts';

/** Whether a job is still the worker's; from here to the end of the transaction nobody else touches it. */
export async function ownsJob(trx: Trx, worker: string, job: string): Promise<boolean> {
  const row = await trx
    .selectFrom('jobs')
    .where('id', '=', job)
    .where('worker_id', '=', worker)
    .where('state', '=', 'RUNNING')
    .forUpdate()
    .select('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Ends a job, and with it what it used. */
export async function endJob(
  trx: Trx,
  job: string,
  state: 'SUCCEEDED' | 'FAILED' | 'CANCELLED',
  failure?: FaultData,
): Promise<void> {
  await trx
    .updateTable('jobs')
    .set({
      state,
      failure: failure === undefined ? null : JSON.stringify(failure),
      finished_at: sql<Date>`now()`,
      lease_until: null,
    })
    .where('id', '=', job)
    .execute();
  await sql`
    update image_uses set ended_at = now() from test_runs
    where test_runs.job_id = ${job} and image_uses.id = test_runs.use_id and image_uses.ended_at is null`.execute(trx);
  // Nobody needs them any more, and what is not there cannot be opened.
  await trx.updateTable('test_runs').set({ sealed_variables: null }).where('job_id', '=', job).execute();
  await sql`select pg_notify(${channels.changed}, ${job})`.execute(trx);
}
