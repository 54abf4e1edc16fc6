import { compareVersions, isVersion, normalizeName } from '@mir/python';
import { sql } from 'kysely';
import type { Db } from '../instance-context.ts';

const versionLimit = 5;

/** Packages whose names begin with a text, those that most images hold first, each with its newest known versions. */
export async function completePackageName(
  db: Db,
  prefix: string,
  limit: number,
): Promise<{ name: string; images: number; versions: string[] }[]> {
  const like = `${normalizeName(prefix).replace(/[\\%_]/g, '\\$&')}%`;
  const { rows } = await sql<{ name: string; ids: number[]; versions: string[] }>`
    select name, array_agg(id) as ids, array_agg(version) as versions from packages
    where name like ${like} group by name order by length(name), name limit 200`.execute(db);
  const counted = await Promise.all(
    rows.slice(0, 50).map(async ({ name, ids, versions }) => {
      const found = await sql<{ images: number }>`
        select count(*) as images from (
          select from images where removed_at is null and package_ids && ${ids}::integer[] limit 10000
        ) as held`.execute(db);
      return { name, images: found.rows[0]?.images ?? 0, versions: newest(versions) };
    }),
  );
  return counted.sort((a, b) => b.images - a.images || (a.name < b.name ? -1 : 1)).slice(0, limit);
}

function newest(versions: readonly string[]): string[] {
  return versions
    .filter(isVersion)
    .sort((a, b) => compareVersions(b, a))
    .slice(0, versionLimit);
}
