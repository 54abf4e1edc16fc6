import type { ImageStatus } from '@mir/core';
import { type RawBuilder, sql } from 'kysely';
import type { NamedVersion } from '../database/schema.ts';
import { serverFault } from '../fault.ts';
import type { Db, InstanceContext, Trx } from '../instance-context.ts';
import type { ProbeInShort } from './proof.ts';
import type { Spec } from './spec.ts';

/** An image with what its shown version holds: the current one; before there is one, the latest. */
export type ImageRow = {
  readonly id: number;
  readonly name: string;
  readonly repository: string;
  readonly role: 'USER_DEFINED' | 'SYSTEM';
  readonly status: ImageStatus;
  readonly imageType: string | null;
  readonly pythonVersion: string | null;
  readonly baseName: string | null;
  readonly baseDigest: string | null;
  readonly parentName: string | null;
  readonly creatorId: number | null;
  readonly creatorName: string | null;
  readonly workspaceId: number | null;
  readonly workspaceName: string | null;
  readonly currentVersionId: number | null;
  readonly latestVersionId: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly shownNumber: number;
  readonly tag: string;
  readonly digest: string | null;
  readonly spec: Spec;
  readonly libraries: readonly NamedVersion[] | null;
  readonly probes: readonly ProbeInShort[] | null;
  readonly sizeBytes: number | null;
};

/** A whole report may be megabytes, if who made a package wants it to be; lists are of a thousand images. */
const probesInShort = sql<readonly ProbeInShort[] | null>`(
  select jsonb_agg(jsonb_build_object('platform', one -> 'platform', 'outcome', one -> 'outcome', 'why', one -> 'why', 'failure', one -> 'failure'))
  from jsonb_array_elements(shown.probes) as one
)`;

/** Images that are not removed, with their shown versions. */
export function imageRows(db: Db) {
  return db
    .selectFrom('images')
    .innerJoin('versions as shown', (join) =>
      join.on('shown.id', '=', sql<number>`coalesce(images.current_version_id, images.latest_version_id)`),
    )
    .leftJoin('images as parent', 'parent.id', 'images.parent_id')
    .leftJoin('users as creator', 'creator.id', 'images.creator_id')
    .leftJoin('workspaces as workspace', 'workspace.id', 'images.workspace_id')
    .where('images.removed_at', 'is', null)
    .select([
      'images.id',
      'images.name',
      'images.repository',
      'images.role',
      'images.status',
      'images.image_type as imageType',
      'images.python_version as pythonVersion',
      'images.base_name as baseName',
      'parent.name as parentName',
      'images.creator_id as creatorId',
      'creator.name as creatorName',
      'images.workspace_id as workspaceId',
      'workspace.name as workspaceName',
      'images.current_version_id as currentVersionId',
      'images.latest_version_id as latestVersionId',
      'images.created_at as createdAt',
      'images.updated_at as updatedAt',
      'shown.number as shownNumber',
      'shown.tag',
      'shown.digest',
      'shown.base_digest as baseDigest',
      'shown.spec',
      'shown.libraries',
      probesInShort.as('probes'),
      'shown.size_bytes as sizeBytes',
    ]);
}

/** The most children that an answer names: a system image may have tens of thousands. */
const childLimit = 100;

/** The names of the images made from each of some images, at most a hundred of each. */
export async function childrenOf(db: Db, ids: readonly number[]): Promise<ReadonlyMap<number, readonly string[]>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ id: number; names: string[] }>`
    select parents.id, array(
      select name from images where parent_id = parents.id and removed_at is null order by id limit ${childLimit}
    ) as names
    from unnest(${ids}::bigint[]) as parents(id)`.execute(db);
  return new Map(rows.map(({ id, names }) => [Number(id), names]));
}

/**
 * The condition that images hold a package of each of some sets. Of rare ones all images are collected first (by the index on packages);
 * else they are met soon enough on the way through the images.
 */
export async function holding(
  { packageFrequencies }: Pick<InstanceContext, 'packageFrequencies'>,
  sets: readonly (readonly number[])[],
): Promise<RawBuilder<boolean>> {
  if (sets.length === 0) return sql<boolean>`true`;
  const each = sql.join(
    sets.map((ids) => sql`package_ids && ${ids}::integer[]`),
    sql` and `,
  );
  if (!(await packageFrequencies.areRare(sets)))
    return sql<boolean>`(${sql.join(
      sets.map((ids) => sql`images.package_ids && ${ids}::integer[]`),
      sql` and `,
    )})`;
  // "offset 0" keeps the planner from undoing what was decided.
  return sql<boolean>`images.id = any(array(select id from images where removed_at is null and ${each} offset 0))`;
}

/** An image by its name. @throws Fault `image/unknown` */
export async function findImage(db: Db, name: string): Promise<ImageRow> {
  const row = await imageRows(db).where('images.name', '=', name).executeTakeFirst();
  if (row !== undefined) return row;
  throw serverFault('image/unknown', {
    what: `There is no image named "${name.slice(0, 200)}"`,
    subject: name.slice(0, 200),
    hint: 'GET /v1/search lists those that there are.',
  });
}

/** An image by its name, so that nobody else changes it before the end of the transaction. */
export async function lockImage(trx: Trx, name: string): Promise<ImageRow> {
  await trx
    .selectFrom('images')
    .where('name', '=', name)
    .where('removed_at', 'is', null)
    .forUpdate()
    .select('id')
    .execute();
  return findImage(trx, name);
}
