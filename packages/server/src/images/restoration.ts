import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { InstanceContext } from '../instance-context.ts';
import { priorities } from '../jobs/job.ts';
import { insertImage, requireName } from './creation.ts';
import { formatPageToken, parsePageToken } from './page-token.ts';
import { findVersion, locksOf } from './versions.ts';

/** Page tokens hold milliseconds. Finer times than a token can say would be left out, or come twice. */
const removedAt = sql<Date>`date_trunc('milliseconds', images.removed_at at time zone 'utc')`;

/** A page of the images that were removed, the last one first. */
export async function listRemovedImages(
  { db, secret }: Pick<InstanceContext, 'db' | 'secret'>,
  name: string | undefined,
  pageSize: number,
  pageToken: string | undefined,
) {
  const position = pageToken === undefined ? undefined : parsePageToken(pageToken, 'removed-images', secret);
  const filter = name ?? null;
  if (position !== undefined && name !== undefined && position.filter !== filter) {
    throw serverFault('page-token/malformed', {
      what: 'The page token belongs to the removed images of another name',
      subject: 'pageToken',
      hint: 'Send it with the same name as the first page, or with none.',
    });
  }
  const asked = position === undefined ? filter : (position.filter as string | null);
  let query = db
    .selectFrom('images')
    .leftJoin('versions', 'versions.id', 'images.current_version_id')
    .where('images.removed_at', 'is not', null)
    .orderBy(removedAt, 'desc')
    .orderBy('images.id', 'desc')
    .limit(pageSize + 1)
    .select([
      'images.id',
      'images.name',
      'images.repository',
      'versions.digest',
      'versions.number as version',
      'images.removed_at as removedAt',
      'images.removed_by as removedBy',
    ]);
  if (asked !== null) query = query.where('images.name', '=', asked);
  if (position !== undefined) {
    const [time, id] = position.after;
    query = query.where(sql<boolean>`(${removedAt}, images.id) < (${time}::timestamp, ${id}::bigint)`);
  }
  const rows = (await query.execute()).map((row) => ({ ...row, removedAt: row.removedAt?.toISOString() ?? '' }));
  const images = rows.slice(0, pageSize);
  const last = images.at(-1);
  return {
    images,
    ...(rows.length > images.length &&
      last !== undefined && {
        nextPageToken: formatPageToken(
          { list: 'removed-images', filter: asked, after: [last.removedAt.replace('Z', ''), last.id] },
          secret,
        ),
      }),
  };
}

/**
 * Makes a removed image again, under its name or another: from the lock of the version that was in use, so that it has the same
 * digest. It is built again; what is in the layer pool need not be.
 *
 * @throws Fault `image/unknown`, `image/taken`
 */
export async function restoreImage(
  context: InstanceContext,
  caller: Caller,
  id: number,
  asName: string | undefined,
  trace: Trace,
): Promise<{ readonly name: string; readonly jobId: string }> {
  return transaction(context.db, async (trx) => {
    const removed = await trx
      .selectFrom('images')
      .where('id', '=', id)
      .where('removed_at', 'is not', null)
      .select(['id', 'name', 'current_version_id', 'latest_version_id'])
      .executeTakeFirst();
    if (removed === undefined) {
      throw serverFault('image/unknown', {
        what: `There is no removed image ${id}`,
        subject: String(id),
        hint: 'GET /v1/removed-images lists them.',
      });
    }
    const name = asName ?? removed.name;
    requireName(name);
    const { number } = await trx
      .selectFrom('versions')
      .where('id', '=', removed.current_version_id ?? removed.latest_version_id)
      .select('number')
      .executeTakeFirstOrThrow();
    const version = await findVersion(trx, removed, number);
    const created = await insertImage(
      context,
      trx,
      { name, spec: version.spec, role: 'USER_DEFINED', priority: priorities.interactive },
      caller,
      trace,
      { locks: await locksOf(trx, version.id), digest: version.digest },
    );
    if (created === undefined) {
      throw serverFault('image/taken', {
        what: `The name "${name}" is taken by another image by now`,
        subject: name,
        hint: 'Restore it under another name.',
      });
    }
    await audit(trx, {
      caller,
      trace,
      action: 'image.restore',
      subject: name,
      new: { removed: id, digest: version.digest },
    });
    return { name, jobId: created.jobId };
  });
}
