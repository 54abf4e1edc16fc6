import { finalVersionStates } from '@mir/core';
import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { channels } from '../jobs/queue.ts';
import { putIntoOutbox } from '../registry/outbox-entry.ts';
import { type RemovalPayload, removalKind } from '../registry/repository-removal.ts';
import { cancellation } from './completion.ts';
import { lockImage } from './image-row.ts';
import { isAwaited } from './versions.ts';

/**
 * Removes an image: its name is free at once, its repository goes a little later, its record stays for an administrator to
 * restore it from. Builds that nobody else waits for are cancelled.
 *
 * @throws Fault `image/unknown`, `image/system`, `image/in-use` unless forced
 */
export async function removeImage(
  context: InstanceContext,
  caller: Caller,
  name: string,
  isForced: boolean,
  trace: Trace,
): Promise<void> {
  await transaction(context.db, async (trx) => {
    const image = await lockImage(trx, name);
    if (image.role === 'SYSTEM') {
      throw serverFault('image/system', {
        what: `"${name}" is a system image, which nobody can remove`,
        subject: name,
        hint: 'Change the image types of the instance instead.',
      });
    }
    const uses = await trx
      .selectFrom('image_uses')
      .where('image_id', '=', image.id)
      .where('ended_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .orderBy('created_at')
      .select(['used_by'])
      .execute();
    if (uses.length > 0 && !isForced) {
      throw serverFault('image/in-use', {
        what: `"${name}" is in use by ${uses
          .slice(0, 20)
          .map(({ used_by: user }) => user)
          .join(', ')}`,
        subject: name,
        hint: 'Wait until they have ended, or remove it with force=true.',
      });
    }
    await trx
      .updateTable('images')
      .set({ removed_at: sql<Date>`now()`, removed_by: caller.name, updated_at: sql<Date>`now()` })
      .where('id', '=', image.id)
      .execute();
    await putIntoOutbox(trx, removalKind, { repository: image.repository } satisfies RemovalPayload);
    await cancelOrphans(trx, image.id);
    await audit(trx, {
      caller,
      trace,
      action: 'image.remove',
      subject: name,
      old: { repository: image.repository, version: image.shownNumber, digest: image.digest, forced: isForced },
    });
  });
}

/** Ends the versions of a removed image that are under way, and the builds that no other image waits for. */
async function cancelOrphans(trx: Trx, imageId: number): Promise<void> {
  const ended = await trx
    .updateTable('versions')
    .set({ state: 'CANCELLED', failure: JSON.stringify(cancellation), finished_at: sql<Date>`now()` })
    .where('image_id', '=', imageId)
    .where('state', 'not in', finalVersionStates)
    .returning('job_id')
    .execute();
  for (const { job_id: job } of ended) if (job !== null) await cancelIfUnwanted(trx, job);
}

/** Cancels a build when no version waits for it any more: at once when it has not begun, else its worker is told. */
export async function cancelIfUnwanted(trx: Trx, job: string): Promise<void> {
  if (await isAwaited(trx, job)) return;
  await sql`
    update jobs set cancel_requested_at = coalesce(cancel_requested_at, now()),
      state = case state when 'QUEUED' then 'CANCELLED' else state end,
      failure = case state when 'QUEUED' then ${JSON.stringify(cancellation)}::jsonb else failure end,
      finished_at = case state when 'QUEUED' then now() else finished_at end
    where id = ${job} and state in ('QUEUED', 'RUNNING')`.execute(trx);
  await sql`select pg_notify(${channels.cancelled}, ${job}), pg_notify(${channels.changed}, ${job})`.execute(trx);
}
