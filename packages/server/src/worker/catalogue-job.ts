import type { Suite } from '@mir/debian';
import { sql } from 'kysely';
import { transaction } from '../database/transaction.ts';
import type { InstanceContext } from '../instance-context.ts';
import { type ClaimedJob, channels } from '../jobs/queue.ts';
import type { BuildProcess } from './build-process.ts';

const silent = { onProgress: () => undefined, onLog: () => undefined };

/** Writes down which OS packages a Debian release has. @throws Fault of the archive */
export async function runCatalogueJob(
  context: InstanceContext,
  worker: string,
  job: ClaimedJob,
  process: BuildProcess,
): Promise<void> {
  const { suite } = job.payload as { readonly suite: Suite };
  const names = await process.catalogue(suite, silent);
  await transaction(context.db, async (trx) => {
    await trx
      .insertInto('os_catalogues')
      .values({ suite })
      .onConflict((conflict) => conflict.column('suite').doUpdateSet({ read_at: sql<Date>`now()` }))
      .execute();
    await trx.deleteFrom('os_packages').where('suite', '=', suite).execute();
    await sql`insert into os_packages (suite, name) select ${suite}, unnest(${names}::text[])`.execute(trx);
    await trx
      .updateTable('jobs')
      .set({ state: 'SUCCEEDED', finished_at: sql<Date>`now()`, lease_until: null })
      .where('id', '=', job.id)
      .where('worker_id', '=', worker)
      .where('state', '=', 'RUNNING')
      .execute();
    await sql`select pg_notify(${channels.changed}, ${job.id})`.execute(trx);
  });
}
