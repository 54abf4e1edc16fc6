import type { VersionState } from '@mir/core';
import { sql } from 'kysely';
import type { Db } from '../instance-context.ts';
import type { JobProgress } from './job.ts';
import { channels } from './queue.ts';

/** Writes down how far a job has come; its versions follow it. */
export async function writeProgress(db: Db, worker: string, job: string, progress: JobProgress): Promise<void> {
  const state: VersionState =
    progress.stage === undefined || progress.stage === 'base' || progress.stage === 'resolve'
      ? 'RESOLVING'
      : progress.stage === 'probe'
        ? 'PROBING'
        : 'BUILDING';
  await sql`
    with written as (
      update jobs set progress = ${JSON.stringify(progress)}::jsonb
      where id = ${job} and worker_id = ${worker} and state = 'RUNNING' returning id
    )
    update versions set state = ${state} from written
    where versions.job_id = written.id and versions.state in ('QUEUED', 'RESOLVING', 'BUILDING', 'PROBING') and versions.state <> ${state}`.execute(
    db,
  );
  await sql`select pg_notify(${channels.changed}, ${job})`.execute(db);
}
