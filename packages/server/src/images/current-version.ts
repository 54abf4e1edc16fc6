import { finalVersionStates } from '@mir/core';
import { sql } from 'kysely';
import type { Trx } from '../instance-context.ts';
import { idsOfPackages } from './packages.ts';

/**
 * Lets the name of an image stand for one of its versions. What is found by the image (its packages, its Python, its base, its type) is
 * what that version holds. Only the database changes: registries know versions by tags that never move.
 */
export async function pointImageAt(trx: Trx, imageId: number, versionId: number): Promise<void> {
  const version = await trx
    .selectFrom('versions')
    .where('id', '=', versionId)
    .select(['libraries', 'python_version', 'base_name', 'spec'])
    .executeTakeFirstOrThrow();
  await settleType(trx, imageId, version.spec.imageType ?? null, version.python_version);
  await trx
    .updateTable('images')
    .set({
      current_version_id: versionId,
      package_ids: await idsOfPackages(trx, version.libraries ?? []),
      base_name: version.base_name,
      // Of a version from before versions knew their Python, what is known of the image is the best guess.
      ...(version.python_version !== null && { python_version: version.python_version }),
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', imageId)
    .execute();
  await settleStatus(trx, imageId);
}

/** An image is of the type, and made from the system image, that its version was asked for with; a system image is of its own. */
async function settleType(trx: Trx, imageId: number, type: string | null, python: string | null): Promise<void> {
  await sql`
    update images set image_type = ${type}::text, parent_id = (
      select parent.id from images as parent
      where parent.role = 'SYSTEM' and parent.image_type = ${type}::text
        and parent.python_version = coalesce(${python}::text, images.python_version) and parent.removed_at is null
    )
    where id = ${imageId} and role = 'USER_DEFINED' and (
      image_type is distinct from ${type}::text or (${python}::text is not null and python_version is distinct from ${python}::text)
    )`.execute(trx);
}

/** The status that follows from an image's versions: what is under way, what is current, how the latest ended. */
export async function settleStatus(trx: Trx, imageId: number): Promise<void> {
  await sql`
    update images set updated_at = now(), status = case
      when exists (select from versions where image_id = images.id and state not in (${sql.join(finalVersionStates)}))
        then case when current_version_id is null then 'BUILDING_FIRST_TIME' else 'REBUILDING' end
      when current_version_id is null then 'FAILED'
      when exists (
        select from versions as latest where latest.id = images.latest_version_id and latest.state in ('FAILED', 'CANCELLED')
          and latest.reasons @> any (array['[{"kind": "BASE"}]', '[{"kind": "PLATFORM"}]']::jsonb[])
      ) then 'OUTDATED'
      else 'READY' end
    where id = ${imageId}`.execute(trx);
}
