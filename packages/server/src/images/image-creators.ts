import { sql } from 'kysely';
import type { Db } from '../instance-context.ts';

/** Who has created images that are there, and how many: first those whose names begin with a text, then those who have it in their names. */
export async function listImageCreators(
  db: Db,
  text: string,
  limit: number,
): Promise<{ name: string; images: number }[]> {
  const wanted = text.trim().toLowerCase();
  const { rows } = await sql<{ name: string; images: number }>`
    select coalesce(creator_name, '') as name, count(*) as images from images
    where removed_at is null and coalesce(creator_name, '') <> '' and strpos(coalesce(creator_name, ''), ${wanted}) > 0
    group by 1 order by not starts_with(coalesce(creator_name, ''), ${wanted}), 1 limit ${limit}`.execute(db);
  return rows;
}
