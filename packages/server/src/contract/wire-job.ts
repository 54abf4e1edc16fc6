import type { FaultData } from '@mir/core';
import type { Db } from '../instance-context.ts';
import type { JobState } from '../jobs/job.ts';
import type { WireJob } from './shapes.ts';

/** A job of the queue, as answers are made of it. */
export type JobRow = {
  readonly id: string;
  readonly state: JobState;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly cancelRequestedAt: Date | null;
  readonly failure: FaultData | null;
  readonly stage: string | null;
};

/** A build job by its id. */
export async function findBuildJob(db: Db, id: string): Promise<JobRow | undefined> {
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id)) return undefined;
  const row = await db
    .selectFrom('jobs')
    .where('id', '=', id)
    .where('kind', '=', 'build')
    .select([
      'id',
      'state',
      'created_at as createdAt',
      'started_at as startedAt',
      'finished_at as finishedAt',
      'cancel_requested_at as cancelRequestedAt',
      'failure',
      'progress',
    ])
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row, stage: row.progress?.stage ?? null };
}

/** A job as the original's clients read it. */
export function wireJob(row: JobRow, now: Date): WireJob {
  const { startedAt, finishedAt } = row;
  const runningMilliseconds = startedAt === null ? 0 : (finishedAt ?? now).getTime() - startedAt.getTime();
  return {
    jobId: row.id,
    jobType: 'JOB_TYPE_IMAGE_BUILDER',
    status: `JOB_STATUS_${row.state === 'QUEUED' ? 'PENDING' : row.state}`,
    creationTime: row.createdAt.toISOString(),
    ...(startedAt !== null && { startTime: startedAt.toISOString() }),
    ...(finishedAt !== null && { completionTime: finishedAt.toISOString() }),
    runningTimeSecs: Math.max(0, runningMilliseconds) / 1000,
    jobProgressStr: row.state === 'RUNNING' && row.stage !== null ? row.stage : '',
    cancellationRequested: row.cancelRequestedAt !== null,
    // To whom it was cancelled that is no error, and the original's clients show this as one.
    ...(row.state === 'FAILED' &&
      row.failure !== null && {
        errorMsg: `${row.failure.what}. ${row.failure.hint}`,
        terminationReason: row.failure.what,
      }),
  };
}
