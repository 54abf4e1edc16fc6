import type { Db } from '../instance-context.ts';

/** The platform release that is in force: its label is part of every tag, its requirements of every image. */
export type Release = { readonly id: string; readonly label: string; readonly requirements: readonly string[] };

/** The platform release in force, if an administrator declared one. */
export async function currentRelease(db: Db): Promise<Release | undefined> {
  const row = await db
    .selectFrom('instance')
    .innerJoin('updates', 'updates.id', 'instance.release_id')
    .select(['updates.id', 'updates.label', 'updates.requirements'])
    .executeTakeFirst();
  return row === undefined || row.label === null ? undefined : { ...row, label: row.label };
}
