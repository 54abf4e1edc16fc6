import { sql } from 'kysely';
import type { Db, InstanceContext } from '../instance-context.ts';
import { formatPageToken, parsePageToken } from './page-token.ts';

/** The layers of the versions that can be used, once for each image. */
const layersOfImages = sql`
  select images.id, layer->>'digest' as digest, (layer->>'sizeBytes')::bigint as size
  from images join versions on versions.image_id = images.id and versions.state = 'READY',
    jsonb_array_elements(versions.layers) as layer
  where images.removed_at is null
  group by 1, 2, 3`;

/** What images take. */
export type ImageStorage = {
  readonly name: string;
  readonly sizeBytes: number;
  /** What would be free if the image were removed: no other has it. */
  readonly ownBytes: number;
  readonly versions: number;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
};

/** Which images somebody who looks for room wants to see. */
export type StorageFilter = {
  /** Neither made nor used within so many days. */
  readonly unusedDays?: number | undefined;
  /** Never used, however old. */
  readonly isNeverUsed?: boolean | undefined;
};

/** What the versions that can be used take: every layer counted once is held, counted for each image it is what would be without sharing. */
export async function storageFigures(context: Pick<InstanceContext, 'db' | 'secret'>, limit: number) {
  const [totals, { images }] = await Promise.all([
    sql<{ held: number; plain: number; layers: number }>`
      with used as (${layersOfImages}), once as (select digest, max(size) as size, count(*) as uses from used group by digest)
      select coalesce(sum(size), 0)::bigint as held, coalesce(sum(size * uses), 0)::bigint as plain, count(*) as layers from once`.execute(
      context.db,
    ),
    listImageStorage(context, {}, limit),
  ]);
  const { held = 0, plain = 0, layers: count = 0 } = totals.rows[0] ?? {};
  return { heldBytes: held, withoutSharingBytes: plain, savedBytes: plain - held, layers: count, images };
}

/**
 * A page of the images that hold something: first those that hold most that no other has.
 *
 * @throws Fault `page-token/malformed`
 */
export async function listImageStorage(
  { db, secret }: Pick<InstanceContext, 'db' | 'secret'>,
  filter: StorageFilter,
  limit: number,
  pageToken?: string,
): Promise<{ readonly images: ImageStorage[]; readonly nextPageToken: string | undefined }> {
  const position = pageToken === undefined ? undefined : parsePageToken(pageToken, 'storage', secret);
  const { unusedDays, isNeverUsed = false } = position === undefined ? filter : (position.filter as StorageFilter);
  const [own, size, id] = position?.after ?? [];
  const conditions = [
    ...(unusedDays === undefined
      ? []
      : [sql`greatest(images.created_at, last_used) < now() - make_interval(days => ${unusedDays})`]),
    ...(isNeverUsed ? [sql`last_used is null`] : []),
    ...(position === undefined ? [] : [sql`(own, size, held.id) < (${own}::bigint, ${size}::bigint, ${id}::bigint)`]),
    sql`true`,
  ];
  const { rows } = await sql<StorageRow>`
    with used as (${layersOfImages}), once as (select digest, count(*) as uses from used group by digest),
    held as (
      select used.id, sum(used.size)::bigint as size, coalesce(sum(used.size) filter (where once.uses = 1), 0)::bigint as own
      from used join once using (digest) group by used.id
    ), last_uses as (select image_id, max(created_at) as last_used from image_uses group by image_id)
    select held.id, images.name, size, own, images.created_at, last_used,
      (select count(*) from versions where versions.image_id = held.id and state = 'READY') as versions
    from held join images using (id) left join last_uses on last_uses.image_id = held.id
    where ${sql.join(conditions, sql` and `)}
    order by own desc, size desc, held.id desc limit ${limit + 1}`.execute(db);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    images: page.map((row) => ({
      name: row.name,
      sizeBytes: row.size,
      ownBytes: row.own,
      versions: row.versions,
      createdAt: row.created_at.toISOString(),
      lastUsedAt: row.last_used?.toISOString() ?? null,
    })),
    nextPageToken:
      rows.length > page.length && last !== undefined
        ? formatPageToken(
            { list: 'storage', filter: { unusedDays, isNeverUsed }, after: [last.own, last.size, last.id] },
            secret,
          )
        : undefined,
  };
}

type StorageRow = {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly own: number;
  readonly versions: number;
  readonly created_at: Date;
  readonly last_used: Date | null;
};

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
