import { createHash } from 'node:crypto';
import type { ChangeReason } from '@mir/core';
import { sql } from 'kysely';
import type { Trace } from '../access/caller.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import type { JobPriority } from '../jobs/job.ts';
import { enqueue } from '../jobs/queue.ts';
import { askForRepository } from '../registry/repository-making.ts';
import { currentRelease } from '../updates/release.ts';
import type { BuildPayload } from '../worker/build-payload.ts';
import { type Spec, specKey } from './spec.ts';

/** A build from locks that there are already, which gives the digest that it gave before. */
export type PinnedBuild = {
  readonly locks: readonly { readonly platform: string; readonly text: string }[];
  /** The digest that is expected; null where it was never built. */
  readonly digest: string | null;
};

/** What is put on another base. */
export type RebaseSource = {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly base: string;
};

/** A version that is to be built. */
export type NewVersion = {
  readonly imageId: number;
  readonly spec: Spec;
  readonly reasons: readonly ChangeReason[];
  readonly priority: JobPriority;
  readonly creatorId: number | null;
  readonly workspaceId: number | null;
  readonly trace: Trace | undefined;
  readonly pinned?: PinnedBuild;
  /** A version that is put on another base instead of being built. */
  readonly rebase?: RebaseSource;
};

/**
 * Adds the next version to an image, which the transaction has locked or made, and puts its build into the queue, in one transaction
 * with what it is for.
 */
export async function addVersion(
  context: InstanceContext,
  trx: Trx,
  version: NewVersion,
): Promise<{ readonly versionId: number; readonly jobId: string }> {
  const key = specKey(version.spec, context.rules);
  const release = await currentRelease(trx);
  const { pinned, rebase } = version;
  const payload: BuildPayload = {
    spec: version.spec,
    ...(pinned !== undefined && pinned.locks.length > 0 && { locks: pinned.locks }),
    ...(rebase !== undefined && { rebase }),
    ...(release !== undefined && { releaseRequirements: release.requirements }),
  };
  const { repository } = await trx
    .selectFrom('images')
    .where('id', '=', version.imageId)
    .select('repository')
    .executeTakeFirstOrThrow();
  const isHeld = await askForRepository(context, trx, repository, version);
  const jobId = await enqueue(trx, {
    kind: 'build',
    isHeld,
    // What waits for a repository of its own is joined by nobody: they would wait for each other's. What it makes is made once all the same.
    key: keyOf(key, payload, isHeld ? repository : undefined),
    priority: version.priority,
    workspaceId: version.workspaceId,
    creatorId: version.creatorId,
    payload,
    requestId: version.trace?.requestId ?? null,
  });
  const { last } = await trx
    .selectFrom('versions')
    .where('image_id', '=', version.imageId)
    .select(({ fn }) => fn.max<number | null>('number').as('last'))
    .executeTakeFirstOrThrow();
  const number = (last ?? 0) + 1;
  const { id } = await trx
    .insertInto('versions')
    .values({
      image_id: version.imageId,
      number,
      tag: tagOf(number, release?.label),
      state: 'QUEUED',
      spec: JSON.stringify(version.spec),
      spec_key: key,
      reasons: JSON.stringify(version.reasons),
      job_id: jobId,
      creator_id: version.creatorId,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await trx
    .updateTable('images')
    .set({
      latest_version_id: id,
      updated_at: sql<Date>`now()`,
      // An image that never was ready is still being built for the first time.
      status: sql`case when current_version_id is null then 'BUILDING_FIRST_TIME' else 'REBUILDING' end`,
    })
    .where('id', '=', version.imageId)
    .execute();
  return { versionId: id, jobId };
}

/** A build from locks, a rebase, one for another platform release, and one that waits for a repository are other work than a plain build. */
function keyOf(
  key: Buffer,
  { locks, rebase, releaseRequirements }: BuildPayload,
  awaitedRepository: string | undefined,
): Buffer {
  if (
    locks === undefined &&
    rebase === undefined &&
    releaseRequirements === undefined &&
    awaitedRepository === undefined
  )
    return key;
  return createHash('sha256')
    .update(key)
    .update(
      JSON.stringify([
        locks ?? null,
        rebase === undefined ? null : [rebase.digest, rebase.base],
        releaseRequirements ?? null,
        ...(awaitedRepository === undefined ? [] : [awaitedRepository]),
      ]),
    )
    .digest();
}

/** The tag of a version; immutable, never used again. */
function tagOf(number: number, release: string | undefined): string {
  return release === undefined ? `v${number}` : `${release}-v${number}`;
}
