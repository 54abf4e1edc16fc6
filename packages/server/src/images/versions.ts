import type { ProbeReport } from '@mir/builder';
import { type ChangeReason, type FaultData, finalVersionStates, type VersionState } from '@mir/core';
import { sql } from 'kysely';
import type { NamedVersion, StageDuration, VersionLayer, VersionProblem } from '../database/schema.ts';
import { serverFault } from '../fault.ts';
import type { Db } from '../instance-context.ts';
import type { Spec } from './spec.ts';

/** A version with all that is known of it. */
export type VersionRow = {
  readonly id: number;
  readonly number: number;
  readonly tag: string;
  readonly state: VersionState;
  readonly spec: Spec;
  readonly reasons: readonly ChangeReason[];
  readonly digest: string | null;
  readonly lockDigest: string | null;
  readonly baseName: string | null;
  readonly baseDigest: string | null;
  readonly libraries: readonly NamedVersion[] | null;
  readonly osPackages: readonly NamedVersion[] | null;
  readonly layers: readonly VersionLayer[] | null;
  readonly sizeBytes: number | null;
  readonly problems: readonly VersionProblem[] | null;
  readonly durations: readonly StageDuration[] | null;
  readonly failure: FaultData | null;
  readonly probes: readonly ProbeReport[] | null;
  readonly jobId: string | null;
  readonly creator: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
};

/** The versions of an image, newest first. */
export async function listVersions(db: Db, imageId: number): Promise<readonly VersionRow[]> {
  return versionRows(db).where('versions.image_id', '=', imageId).orderBy('versions.number', 'desc').execute();
}

/** One version of an image. @throws Fault `version/unknown` */
export async function findVersion(
  db: Db,
  image: { readonly id: number; readonly name: string },
  number: number,
): Promise<VersionRow> {
  const row = await versionRows(db)
    .where('versions.image_id', '=', image.id)
    .where('versions.number', '=', number)
    .executeTakeFirst();
  if (row !== undefined) return row;
  throw serverFault('version/unknown', {
    what: `"${image.name}" has no version ${number}`,
    subject: image.name,
    hint: `GET /v1/images/${image.name}/versions lists those that there are.`,
  });
}

/** A version by its id, as long as it exists. */
export async function versionById(db: Db, id: number): Promise<VersionRow | undefined> {
  return versionRows(db).where('versions.id', '=', id).executeTakeFirst();
}

/** The locks of a version, by platform. */
export async function locksOf(
  db: Db,
  versionId: number,
): Promise<readonly { readonly platform: string; readonly text: string }[]> {
  return db
    .selectFrom('version_locks')
    .where('version_id', '=', versionId)
    .orderBy('platform')
    .select(['platform', 'text'])
    .execute();
}

/** In how many images' current versions each of some layers is. */
export async function imagesByLayer(db: Db, digests: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (digests.length === 0) return new Map();
  const { rows } = await sql<{ digest: string; images: number }>`
    select layer->>'digest' as digest, count(distinct images.id) as images
    from images join versions on versions.id = images.current_version_id, jsonb_array_elements(versions.layers) as layer
    where images.removed_at is null and layer->>'digest' = any(${digests}::text[])
    group by 1`.execute(db);
  return new Map(rows.map(({ digest, images }) => [digest, images]));
}

function versionRows(db: Db) {
  return db
    .selectFrom('versions')
    .leftJoin('users', 'users.id', 'versions.creator_id')
    .select([
      'versions.id',
      'versions.number',
      'versions.tag',
      'versions.state',
      'versions.spec',
      'versions.reasons',
      'versions.digest',
      'versions.lock_digest as lockDigest',
      'versions.base_name as baseName',
      'versions.base_digest as baseDigest',
      'versions.libraries',
      'versions.os_packages as osPackages',
      'versions.layers',
      'versions.size_bytes as sizeBytes',
      'versions.problems',
      'versions.durations',
      'versions.failure',
      'versions.probes',
      'versions.job_id as jobId',
      'users.name as creator',
      'versions.created_at as createdAt',
      'versions.finished_at as finishedAt',
    ]);
}

/** Whether a version is still to come of a job. */
export async function isAwaited(db: Db, job: string): Promise<boolean> {
  const version = await db
    .selectFrom('versions')
    .where('job_id', '=', job)
    .where('state', 'not in', finalVersionStates)
    .select('id')
    .limit(1)
    .executeTakeFirst();
  return version !== undefined;
}
