import type { ChangeReason } from '@mir/core';
import { sql } from 'kysely';
import type { Trace } from '../access/caller.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import type { JobPriority } from '../jobs/job.ts';
import { enqueue } from '../jobs/queue.ts';
import type { Spec } from './spec.ts';
import { specKey } from './spec.ts';

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
};

/** Adds a version to an image and puts its build into the queue, in one transaction with what it is for. */
export async function addVersion(
  context: InstanceContext,
  trx: Trx,
  version: NewVersion,
): Promise<{ readonly versionId: number; readonly jobId: string }> {
  const key = specKey(version.spec, context.rules);
  const jobId = await enqueue(trx, {
    kind: 'build',
    key,
    priority: version.priority,
    workspaceId: version.workspaceId,
    creatorId: version.creatorId,
    payload: { spec: version.spec },
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

/** The tag of a version; immutable, never used again. */
export function tagOf(number: number): string {
  return `v${number}`;
}
