import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { has, requireRight } from '../access/rights.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { InstanceContext } from '../instance-context.ts';
import { lockImage } from './image-row.ts';

/** What a test run is told: what it uses is pinned by digest, whatever the name stands for later. */
export type StartedUse = {
  readonly id: string;
  readonly version: number;
  readonly digest: string;
  readonly reference: string;
  readonly expiresAt: string;
};

/**
 * Notes that a test run uses an image: until it has ended, or its time is over, the image is not removed.
 *
 * @throws Fault `image/unknown`, `image/unfinished` when there is no version that is READY
 */
export async function startUse(
  context: InstanceContext,
  caller: Caller,
  name: string,
  { by, expiresInSeconds }: { readonly by: string; readonly expiresInSeconds: number },
  trace: Trace,
): Promise<StartedUse> {
  return transaction(context.db, async (trx) => {
    const image = await lockImage(trx, name);
    if (image.currentVersionId === null || image.digest === null) {
      throw serverFault('image/unfinished', {
        what: `"${name}" has no version that is READY yet`,
        subject: name,
        hint: 'Wait until its build has ended.',
      });
    }
    const use = await trx
      .insertInto('image_uses')
      .values({
        image_id: image.id,
        version_id: image.currentVersionId,
        used_by: by,
        user_id: caller.userId,
        workspace_id: caller.workspace?.id ?? null,
        expires_at: sql<Date>`now() + make_interval(secs => ${expiresInSeconds})`,
      })
      .returning(['id', 'expires_at'])
      .executeTakeFirstOrThrow();
    await audit(trx, { caller, trace, action: 'image.use', subject: name, new: { by, version: image.shownNumber } });
    return {
      id: use.id,
      version: image.shownNumber,
      digest: image.digest,
      reference: `${context.repositories.uri(image.repository)}@${image.digest}`,
      expiresAt: use.expires_at.toISOString(),
    };
  });
}

/** Notes that a test run has ended. @throws Fault `use/unknown`, `access/forbidden` */
export async function endUse(
  context: InstanceContext,
  caller: Caller,
  name: string,
  id: string,
  trace: Trace,
): Promise<void> {
  await transaction(context.db, async (trx) => {
    const image = await lockImage(trx, name);
    const use = /^[0-9a-f-]{36}$/i.test(id)
      ? await trx
          .selectFrom('image_uses')
          .where('id', '=', id)
          .where('image_id', '=', image.id)
          .where('ended_at', 'is', null)
          .select(['id', 'user_id as userId', 'used_by as by'])
          .executeTakeFirst()
      : undefined;
    if (use === undefined) {
      throw serverFault('use/unknown', {
        what: `"${name}" has no open use ${id.slice(0, 100)}`,
        subject: name,
        hint: 'It may have ended already.',
      });
    }
    if (use.userId !== caller.userId && !has(caller, 'administer'))
      requireRight(caller, 'administer', 'Ending the run of somebody else');
    await trx.updateTable('image_uses').set({ ended_at: sql<Date>`now()` }).where('id', '=', use.id).execute();
    await audit(trx, { caller, trace, action: 'image.use-ended', subject: name, old: { by: use.by } });
  });
}
