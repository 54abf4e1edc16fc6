import type { FaultData } from '@mir/core';
import { sql } from 'kysely';
import type { NamedVersion, StageDuration, VersionLayer, VersionProblem } from '../database/schema.ts';
import { transaction } from '../database/transaction.ts';
import type { Db, Trx } from '../instance-context.ts';
import { channels } from '../jobs/queue.ts';
import { pointImageAt, settleStatus } from './current-version.ts';

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
};

type NamedDigest = { readonly name: string; readonly digest: string };

/** A repository and tag that a build's image goes to. */
export type Destination = { readonly versionId: number; readonly repository: string; readonly tag: string };

/** Where the image of a job goes: to every version that waits for it. Removed images are left out. */
export async function destinationsOf(db: Db, job: string): Promise<readonly Destination[]> {
  return (
    db
      .selectFrom('versions')
      .innerJoin('images', 'images.id', 'versions.image_id')
      .where('versions.job_id', '=', job)
      .where('versions.state', 'not in', ['READY', 'FAILED', 'CANCELLED'])
      .where('images.removed_at', 'is', null)
      // Images are locked in this order; two builds that end at once must not wait for each other.
      .orderBy('versions.image_id')
      .orderBy('versions.id')
      .select(['versions.id as versionId', 'images.repository', 'versions.tag'])
      .execute()
  );
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
    for (const { versionId } of destinations) await finishVersion(trx, versionId, result);
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
  durations: readonly StageDuration[],
): Promise<void> {
  await transaction(db, async (trx) => {
    if (!(await ownsJob(trx, worker, job))) return;
    await endVersions(trx, job, 'FAILED', failure, durations);
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

/** Whether a job is still the worker's; from here to the end of the transaction nobody else touches it. */
async function ownsJob(trx: Trx, worker: string, job: string): Promise<boolean> {
  const row = await trx
    .selectFrom('jobs')
    .where('id', '=', job)
    .where('worker_id', '=', worker)
    .where('state', '=', 'RUNNING')
    .forUpdate()
    .select('id')
    .executeTakeFirst();
  return row !== undefined;
}

async function finishVersion(trx: Trx, versionId: number, result: BuildResult): Promise<void> {
  const { image_id: imageId, number } = await trx
    .updateTable('versions')
    .set({
      state: 'READY',
      digest: result.digest,
      lock_digest: result.lockDigest,
      base_name: result.base.name,
      base_digest: result.base.digest,
      python_version: result.pythonVersion,
      libraries: JSON.stringify(result.libraries),
      os_packages: JSON.stringify(result.osPackages),
      layers: JSON.stringify(result.layers),
      size_bytes: result.sizeBytes,
      problems: JSON.stringify(result.problems),
      durations: JSON.stringify(result.durations),
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
  // Versions may finish in another order than they were asked for, and at once; the name never moves backwards by itself.
  await trx.selectFrom('images').where('id', '=', imageId).forUpdate().select('id').execute();
  const later = await trx
    .selectFrom('versions')
    .where('image_id', '=', imageId)
    .where('state', '=', 'READY')
    .where('number', '>', number)
    .select('id')
    .limit(1)
    .executeTakeFirst();
  if (later === undefined) await pointImageAt(trx, imageId, versionId);
  else await settleStatus(trx, imageId);
}

async function endVersions(
  trx: Trx,
  job: string,
  state: 'FAILED' | 'CANCELLED',
  failure?: FaultData,
  durations: readonly StageDuration[] = [],
): Promise<void> {
  const ended = await trx
    .updateTable('versions')
    .set({
      state,
      failure: failure === undefined ? null : JSON.stringify(failure),
      durations: JSON.stringify(durations),
      finished_at: sql<Date>`now()`,
    })
    .where('job_id', '=', job)
    .where('state', 'not in', ['READY', 'FAILED', 'CANCELLED'])
    .returning('image_id')
    .execute();
  for (const { image_id: imageId } of ended) await settleStatus(trx, imageId);
}

async function endJob(
  trx: Trx,
  job: string,
  state: 'SUCCEEDED' | 'FAILED' | 'CANCELLED',
  failure?: FaultData,
): Promise<void> {
  await trx
    .updateTable('jobs')
    .set({
      state,
      failure: failure === undefined ? null : JSON.stringify(failure),
      finished_at: sql<Date>`now()`,
      lease_until: null,
    })
    .where('id', '=', job)
    .execute();
  await sql`select pg_notify(${channels.changed}, ${job})`.execute(trx);
}
