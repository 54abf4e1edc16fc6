import { sql } from 'kysely';
import type { Db } from '../instance-context.ts';

/** What the current versions take: every layer counted once is held, counted for each image it is what would be without sharing. */
export async function storageFigures(db: Db, limit: number) {
  const layers = sql`
    select images.id, images.name, layer->>'digest' as digest, (layer->>'sizeBytes')::bigint as size
    from images join versions on versions.image_id = images.id and versions.state = 'READY',
      jsonb_array_elements(versions.layers) as layer
    where images.removed_at is null
    group by 1, 2, 3, 4`;
  const [totals, largest] = await Promise.all([
    sql<{ held: number; plain: number; layers: number }>`
      with used as (${layers}), once as (select digest, max(size) as size, count(*) as uses from used group by digest)
      select coalesce(sum(size), 0)::bigint as held, coalesce(sum(size * uses), 0)::bigint as plain, count(*) as layers from once`.execute(
      db,
    ),
    sql<{ name: string; size: number; own: number; versions: number; last_used: Date | null }>`
      with used as (${layers}), once as (select digest, count(*) as uses from used group by digest)
      select used.name, sum(used.size)::bigint as size,
        coalesce(sum(used.size) filter (where once.uses = 1), 0)::bigint as own,
        (select count(*) from versions where versions.image_id = used.id and state = 'READY') as versions,
        (select max(created_at) from image_uses where image_uses.image_id = used.id) as last_used
      from used join once using (digest) group by used.id, used.name
      order by own desc, size desc, name limit ${limit}`.execute(db),
  ]);
  const { held = 0, plain = 0, layers: count = 0 } = totals.rows[0] ?? {};
  return {
    heldBytes: held,
    withoutSharingBytes: plain,
    savedBytes: plain - held,
    layers: count,
    images: largest.rows.map(({ name, size, own, versions, last_used: lastUsed }) => ({
      name,
      sizeBytes: size,
      ownBytes: own,
      versions,
      lastUsedAt: lastUsed?.toISOString() ?? null,
    })),
  };
}

/** How many of the youngest images are compared with each other: pairs grow with the square. */
const comparedImages = 500;
const nearSimilarity = 0.8;

/** Pairs of images of one Python that have most of their packages, at the same versions, in common. */
export async function nearDuplicates(db: Db, limit: number) {
  const { rows } = await sql<{ a: string; b: string; common: number; different: number; similarity: number }>`
    with young as (
      select id, name, python_version, package_ids, cardinality(package_ids) as size from images
      where removed_at is null and role = 'USER_DEFINED' and cardinality(package_ids) > 0 order by id desc limit ${comparedImages}
    ), held as (select id, unnest(package_ids) as package from young),
    pairs as (
      select a.id as a, b.id as b, count(*) as common from held as a join held as b on a.package = b.package and a.id < b.id
      group by 1, 2
    )
    select a.name as a, b.name as b, pairs.common, a.size + b.size - 2 * pairs.common as different,
      pairs.common::float8 / (a.size + b.size - pairs.common) as similarity
    from pairs join young as a on a.id = pairs.a join young as b on b.id = pairs.b
    where a.python_version is not distinct from b.python_version
      and pairs.common::float8 / (a.size + b.size - pairs.common) >= ${nearSimilarity}
    order by similarity desc, pairs.common desc, a.name, b.name limit ${limit}`.execute(db);
  return rows.map(({ a, b, common, different, similarity }) => ({
    names: [a, b],
    common,
    different,
    similarity: Number(similarity.toFixed(3)),
  }));
}
