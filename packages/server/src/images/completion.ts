import type { ProbeReport } from '@mir/builder';
import { type FaultData, finalVersionStates } from '@mir/core';
import { sql } from 'kysely';
import type { NamedVersion, StageDuration, VersionLayer, VersionProblem } from '../database/schema.ts';
import { transaction } from '../database/transaction.ts';
import type { Db, Trx } from '../instance-context.ts';
import { endJob, ownsJob } from '../jobs/ending.ts';
import { pointImageAt, settleStatus } from './current-version.ts';
import { keepWhatWasTrimmed } from './trimming.ts';

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
  return (
    db
      .selectFrom('versions')
      .innerJoin('images', 'images.id', 'versions.image_id')
      .where('versions.job_id', '=', job)
      .where('versions.state', 'not in', finalVersionStates)
      .where('images.removed_at', 'is', null)
      // Images are locked in this order; two builds that end at once must not wait for each other.
      .orderBy('versions.image_id')
      .orderBy('versions.id')
      .select(['versions.id as versionId', 'images.repository', 'versions.tag'])
      .execute()
  );
}

/**
 * Ends a build well where it was delivered, in one transaction: these versions are READY, and their images' names move to them. With the last
 * of them the job has succeeded.
 *
 * @returns destinations that were not delivered to; some may have joined meanwhile
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
    for (const { versionId } of destinations) if (delivered.has(versionId)) await finishVersion(trx, versionId, result);
    const missing = destinations.filter(({ versionId }) => !delivered.has(versionId));
    if (missing.length > 0) return missing;
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

/** Ends a job that was cancelled. @param failure what it says of itself */
export async function cancelled(db: Db, worker: string, job: string, failure: FaultData): Promise<void> {
  await transaction(db, async (trx) => {
    if (!(await ownsJob(trx, worker, job))) return;
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
  await keepWhatWasTrimmed(trx, imageId, result.digest);
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
    .where('state', 'not in', finalVersionStates)
    .returning('image_id')
    .execute();
  for (const { image_id: imageId } of ended) await settleStatus(trx, imageId);
}
