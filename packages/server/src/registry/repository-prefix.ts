import { Fault } from '@mir/core';
import { sql } from 'kysely';
import { transaction } from '../database/transaction.ts';
import type { Db } from '../instance-context.ts';

/** Below which the repositories of a new instance lie when nobody says it: what the original does. */
export const defaultPrefix = 'rime-managed-images';

/** What it was before the original's was taken over; instances of that time keep it. */
const formerPrefix = 'managed-images';

/**
 * The prefix of an instance: what the settings say, else what it had when it was started first. Kept in the database, so that another
 * default of another release never loses an image.
 *
 * @param asked empty when the settings do not say it
 * @param isThere whether there is a repository in the registry. Asked once, of an instance that is older than what is kept, and whose settings
 * may have begun to say another prefix with the upgrade
 * @throws Fault `settings/wrong` for another one than that below which there are images
 */
export async function repositoryPrefixOf(
  db: Db,
  asked: string,
  isThere: (path: string) => Promise<boolean>,
): Promise<string> {
  return transaction(db, async (trx) => {
    const row = await trx.selectFrom('instance').select('repository_prefix').forUpdate().executeTakeFirst();
    if (row === undefined) return asked === '' ? defaultPrefix : asked;
    const image = await trx
      .selectFrom('images')
      // One that was built tells most.
      .orderBy(sql`current_version_id is null or removed_at is not null`)
      .orderBy('id')
      .limit(1)
      .select('repository')
      .executeTakeFirst();
    const unkept = async (repository: string) =>
      asked === '' || (await isThere(`${formerPrefix}/${repository}`)) ? formerPrefix : asked;
    const standing = row.repository_prefix ?? (image === undefined ? undefined : await unkept(image.repository));
    const prefix = asked === '' ? (standing ?? defaultPrefix) : asked;
    if (image !== undefined && standing !== undefined && prefix !== standing) {
      throw new Fault('settings/wrong', {
        what: `The setting image_registry_config.repository_prefix is wrong: it is "${prefix}", and the images of this instance lie below "${standing}"`,
        subject: 'image_registry_config.repository_prefix',
        hint: `Set it (MIR_REPOSITORY_PREFIX) to "${standing}", or leave it out: an instance with images keeps its prefix.`,
      });
    }
    if (prefix !== row.repository_prefix)
      await trx
        .updateTable('instance')
        .set({ repository_prefix: prefix })
        .where('only_row', '=', sql<boolean>`true`)
        .execute();
    return prefix;
  });
}
