import { sql } from 'kysely';
import type { Trx } from '../instance-context.ts';
import type { JobPriority } from '../jobs/job.ts';
import { channels } from '../jobs/queue.ts';

/** Whose turn it is among what is asked for in the same way. */
type Turn = { readonly priority: JobPriority; readonly workspace_id: number | null };

/** Puts work into the outbox: it is begun as soon as this transaction is written down, and tried until it succeeds. */
export async function putIntoOutbox(trx: Trx, kind: string, payload: object, turn?: Turn): Promise<void> {
  await trx
    .insertInto('outbox')
    .values({ kind, payload: JSON.stringify(payload), ...turn })
    .execute();
  await sql`select pg_notify(${channels.outbox}, ${kind})`.execute(trx);
}
