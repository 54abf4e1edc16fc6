import type { ProbeReport } from '@mir/builder';
import type { FaultData } from '@mir/core';
import { sql } from 'kysely';
import type { NamedVersion, StageDuration, VersionLayer, VersionProblem } from '../database/schema.ts';
import { transaction } from '../database/transaction.ts';
import type { Db, Trx } from '../instance-context.ts';
import { endJob, ownsJob } from '../jobs/ending.ts';
import { idsOfPackages } from './packages.ts';

/** What a build gave. */
export type BuildResult = {
  readonly digest: string;
  readonly lockDigest: string;
  readonly base: NamedDigest;
  readonly pythonVersion: string;
  readonly libraries: readonly NamedVersion[];
  readonly osPackages: readonly NamedVersion[];
  readonly layers: readonly VersionLayer[];
  readonly sizeBytes: number;
  readonly problems: readonly VersionProblem[];
  readonly durations: readonly StageDuration[];
  readonly locks: readonly { readonly platform: string; readonly text: string }[];
  readonly probes: readonly ProbeReport[];
};

type NamedDigest = { readonly name: string; readonly digest: string };

/** What is known of a build that did not end well. */
export type BuildTrail = {
  readonly durations: readonly StageDuration[];
  /** What its probes said, where it came so far. */
  readonly probes: readonly ProbeReport[];
};

/** A repository and tag that a build's image goes to. */
export type Destination = { readonly versionId: number; readonly repository: string; readonly tag: string };

/** Where the image of a job goes: to every version that waits for it. Removed images are left out. */
export async function destinationsOf(db: Db, job: string): Promise<readonly Destination[]> {
  return db
    .selectFrom('versions')
    .innerJoin('images', 'images.id', 'versions.image_id')
    .where('versions.job_id', '=', job)
    .where('versions.state', 'not in', ['READY', 'FAILED', 'CANCELLED'])
    .where('images.removed_at', 'is', null)
    .orderBy('versions.id')
    .select(['versions.id as versionId', 'images.repository', 'versions.tag'])
    .execute();
}

/**
 * Ends a build well, in one transaction: its versions are READY, their images' names move to them, the job has succeeded.
 *
 * @returns destinations that joined meanwhile and were not delivered to; then nothing was changed
 */
export async function complete(
  db: Db,
  worker: string,
  job: string,
  result: BuildResult,
  delivered: ReadonlySet<number>,
): Promise<readonly Destination[]> {
  return transaction(db, async (trx) => {
    if (!(await ownsJob(trx, worker, job))) return [];
    const destinations = await destinationsOf(trx, job);
    const missing = destinations.filter(({ versionId }) => !delivered.has(versionId));
    if (missing.length > 0) return missing;
    const packageIds = await idsOfPackages(trx, result.libraries);
    for (const { versionId } of destinations) await finishVersion(trx, versionId, result, packageIds);
    await endVersions(trx, job, 'CANCELLED');
    await endJob(trx, job, 'SUCCEEDED');
    return [];
  });
}

/** Ends a build badly: its versions have failed, their images stay on what they were. */
export async function fail(
  db: Db,
  worker: string,
  job: string,
  failure: FaultData,
  { durations, probes }: BuildTrail,
): Promise<void> {
  await transaction(db, async (trx) => {
    if (!(await ownsJob(trx, worker, job))) return;
    await endVersions(trx, job, 'FAILED', failure, { durations, probes });
    await endJob(trx, job, 'FAILED', failure);
  });
}

/** Ends a build that was cancelled. */
export async function cancelled(db: Db, worker: string | undefined, job: string): Promise<void> {
  await transaction(db, async (trx) => {
    if (worker !== undefined && !(await ownsJob(trx, worker, job))) return;
    const failure = cancellation;
    await endVersions(trx, job, 'CANCELLED', failure);
    await endJob(trx, job, 'CANCELLED', failure);
  });
}

/** What a cancelled build says of itself. */
export const cancellation: FaultData = {
  code: 'job/cancelled',
  what: 'The build was cancelled',
  hint: 'Start it again with retry, or remove the image.',
};

async function finishVersion(
  trx: Trx,
  versionId: number,
  result: BuildResult,
  packageIds: readonly number[],
): Promise<void> {
  const { image_id: imageId, number } = await trx
    .updateTable('versions')
    .set({
      state: 'READY',
      digest: result.digest,
      lock_digest: result.lockDigest,
      base_name: result.base.name,
      base_digest: result.base.digest,
      libraries: JSON.stringify(result.libraries),
      os_packages: JSON.stringify(result.osPackages),
      layers: JSON.stringify(result.layers),
      size_bytes: result.sizeBytes,
      problems: JSON.stringify(result.problems),
      durations: JSON.stringify(result.durations),
      probes: JSON.stringify(result.probes),
      finished_at: sql<Date>`now()`,
    })
    .where('id', '=', versionId)
    .returning(['image_id', 'number'])
    .executeTakeFirstOrThrow();
  if (result.locks.length > 0) {
    await trx
      .insertInto('version_locks')
      .values(result.locks.map(({ platform, text }) => ({ version_id: versionId, platform, text })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  // Versions may finish in another order than they were asked for; the name never moves backwards by itself.
  await trx
    .updateTable('images')
    .set({
      current_version_id: versionId,
      package_ids: [...packageIds],
      python_version: result.pythonVersion,
      base_name: result.base.name,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', imageId)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('versions as later')
            .whereRef('later.image_id', '=', 'images.id')
            .where('later.state', '=', 'READY')
            .where('later.number', '>', number)
            .select('later.id'),
        ),
      ),
    )
    .execute();
  await settleStatus(trx, imageId);
}

async function endVersions(
  trx: Trx,
  job: string,
  state: 'FAILED' | 'CANCELLED',
  failure?: FaultData,
  { durations, probes }: BuildTrail = { durations: [], probes: [] },
): Promise<void> {
  const ended = await trx
    .updateTable('versions')
    .set({
      state,
      failure: failure === undefined ? null : JSON.stringify(failure),
      durations: JSON.stringify(durations),
      probes: probes.length === 0 ? null : JSON.stringify(probes),
      finished_at: sql<Date>`now()`,
    })
    .where('job_id', '=', job)
    .where('state', 'not in', ['READY', 'FAILED', 'CANCELLED'])
    .returning('image_id')
    .execute();
  for (const { image_id: imageId } of ended) await settleStatus(trx, imageId);
}

/** The status that follows from an image's versions: what is under way, what is current, how the latest ended. */
export async function settleStatus(trx: Trx, imageId: number): Promise<void> {
  await sql`
    update images set updated_at = now(), status = case
      when exists (select from versions where image_id = images.id and state not in ('READY', 'FAILED', 'CANCELLED'))
        then case when current_version_id is null then 'BUILDING_FIRST_TIME' else 'REBUILDING' end
      when current_version_id is null then 'FAILED'
      when exists (
        select from versions as latest where latest.id = images.latest_version_id and latest.state in ('FAILED', 'CANCELLED')
          and latest.reasons @> any (array['[{"kind": "BASE"}]', '[{"kind": "PLATFORM"}]']::jsonb[])
      ) then 'OUTDATED'
      else 'READY' end
    where id = ${imageId}`.execute(trx);
}
