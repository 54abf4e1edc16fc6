import { createHash } from 'node:crypto';
import type { ChangeReason } from '@mir/core';
import { sql } from 'kysely';
import type { Trace } from '../access/caller.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import type { JobPriority } from '../jobs/job.ts';
import { enqueue } from '../jobs/queue.ts';
import type { Spec } from './spec.ts';
import { specKey } from './spec.ts';

/** A build from locks that there are already, which gives the digest that it gave before. */
export type PinnedBuild = {
  readonly locks: readonly { readonly platform: string; readonly text: string }[];
  /** The digest that is expected; null where it was never built. */
  readonly digest: string | null;
};

/** A version that is to be built. */
export type NewVersion = {
  readonly imageId: number;
  readonly number: number;
  readonly spec: Spec;
  readonly reasons: readonly ChangeReason[];
  readonly priority: JobPriority;
  readonly creatorId: number | null;
  readonly workspaceId: number | null;
  readonly trace: Trace | undefined;
  readonly pinned?: PinnedBuild;
};

/** Adds a version to an image and puts its build into the queue, in one transaction with what it is for. */
export async function addVersion(
  context: InstanceContext,
  trx: Trx,
  version: NewVersion,
): Promise<{ readonly versionId: number; readonly jobId: string }> {
  const key = specKey(version.spec, context.rules);
  const { pinned } = version;
  const jobId = await enqueue(trx, {
    kind: 'build',
    // A build from locks is other work than one that resolves.
    key: pinned === undefined || pinned.locks.length === 0 ? key : keyOfLocks(key, pinned),
    priority: version.priority,
    workspaceId: version.workspaceId,
    creatorId: version.creatorId,
    payload: { spec: version.spec, ...(pinned !== undefined && pinned.locks.length > 0 && { locks: pinned.locks }) },
    requestId: version.trace?.requestId ?? null,
  });
  const { id } = await trx
    .insertInto('versions')
    .values({
      image_id: version.imageId,
      number: version.number,
      tag: tagOf(version.number),
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

function keyOfLocks(key: Buffer, { locks }: PinnedBuild): Buffer {
  return createHash('sha256').update(key).update(JSON.stringify(locks)).digest();
}

/** The tag of a version; immutable, never used again. */
export function tagOf(number: number): string {
  return `v${number}`;
}
