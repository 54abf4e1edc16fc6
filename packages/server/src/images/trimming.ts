import type { FaultData } from '@mir/core';
import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { channels } from '../jobs/queue.ts';
import { settleStatus } from './current-version.ts';
import { lockImage } from './image-row.ts';
import { findVersion } from './versions.ts';

/** The kind of the outbox's rows that let trimmed versions go from their registry. */
export const trimmingKind = 'trim-versions';

/** What such a row says. */
export type TrimmingPayload = { readonly repository: string };

/** What a version says of itself that was given up. */
const trimmedCode = 'version/trimmed';

/**
 * Gives up a version: nobody can roll back to it any more, and its registry lets it go, by its exact tag. Its record and its lock stay.
 *
 * @throws Fault `image/unknown`, `version/unknown`, `version/unusable` for the version that the name stands for, `image/in-use`
 */
export async function trimVersion(
  context: InstanceContext,
  caller: Caller,
  name: string,
  number: number,
  trace: Trace,
): Promise<void> {
  await transaction(context.db, async (trx) => {
    const image = await lockImage(trx, name);
    const version = await findVersion(trx, image, number);
    if (version.id === image.currentVersionId || version.state !== 'READY') {
      const why = version.state === 'READY' ? 'the name stands for it' : `it is ${version.state}`;
      throw serverFault('version/unusable', {
        what: `Version ${number} of "${name}" cannot be given up: ${why}`,
        subject: name,
        hint: 'Give up versions that are READY and that the name does not stand for.',
      });
    }
    await requireUnused(trx, version.id, name, number);
    const failure: FaultData = {
      code: trimmedCode,
      what: `Version ${number} was given up by ${caller.name}`,
      hint: 'Its lock is kept: an image that is created from it has the same digest.',
    };
    await trx
      .updateTable('versions')
      .set({ state: 'CANCELLED', failure: JSON.stringify(failure) })
      .where('id', '=', version.id)
      .execute();
    await settleStatus(trx, image.id);
    const payload: TrimmingPayload = { repository: image.repository };
    await trx
      .insertInto('outbox')
      .values({ kind: trimmingKind, payload: JSON.stringify(payload) })
      .execute();
    await sql`select pg_notify(${channels.outbox}, ${trimmingKind})`.execute(trx);
    await audit(trx, {
      caller,
      trace,
      action: 'version.trim',
      subject: name,
      old: { version: number, digest: version.digest },
    });
  });
}

/** Tells the registry which versions of an image were given up, as far as it still has them. @throws Fault of the registry */
export async function letTrimmedGo(
  { registry, repositories }: InstanceContext,
  trx: Trx,
  repository: string,
): Promise<void> {
  const rows = await trx
    .selectFrom('versions')
    .innerJoin('images', 'images.id', 'versions.image_id')
    .where('images.repository', '=', repository)
    .where('images.removed_at', 'is', null)
    .where(sql<string>`versions.failure->>'code'`, '=', trimmedCode)
    .orderBy('versions.number', 'desc')
    .select('versions.tag')
    .execute();
  if (rows.length === 0) return;
  const path = repositories.path(repository);
  const stored = new Set((await registry.images(path))?.flatMap(({ tags }) => tags));
  const trimmedTags = rows.map(({ tag }) => tag).filter((tag) => stored.has(tag));
  if (trimmedTags.length > 0) await registry.setLifecycle(path, { trimmedTags });
}

async function requireUnused(trx: Trx, versionId: number, name: string, number: number): Promise<void> {
  const uses = await trx
    .selectFrom('image_uses')
    .where('version_id', '=', versionId)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('created_at')
    .select(['used_by'])
    .execute();
  if (uses.length === 0) return;
  throw serverFault('image/in-use', {
    what: `Version ${number} of "${name}" is in use by ${uses
      .slice(0, 20)
      .map(({ used_by: user }) => user)
      .join(', ')}`,
    subject: name,
    hint: 'Wait until they have ended.',
  });
}
