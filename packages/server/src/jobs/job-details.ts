import type { FaultData } from '@mir/core';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { jobDetails } from '../http/shapes.ts';
import type { Db } from '../instance-context.ts';
import { type JobKind, type JobProgress, type JobState, priorityName } from './job.ts';

type Row = {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly priority: number;
  readonly progress: JobProgress | null;
  readonly failure: FaultData | null;
  readonly attempts: number;
  readonly cancel_requested_at: Date | null;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly images: z.infer<typeof jobDetails>['images'];
  readonly position: number | null;
  readonly running: number;
  readonly usual_seconds: number | null;
};

/** How a job stands; undefined when there is none of that id. */
export async function detailsOfJob(db: Db, id: string): Promise<z.infer<typeof jobDetails> | undefined> {
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id)) return undefined;
  const [row] = await rowsOf(db, sql`jobs.id = ${id}`, 1);
  return row === undefined ? undefined : toDetails(row);
}

/** How some builds stand; those that are none are left out. */
export async function detailsOfBuilds(db: Db, ids: readonly string[]): Promise<z.infer<typeof jobDetails>[]> {
  if (ids.length === 0) return [];
  return (await rowsOf(db, sql`jobs.kind = 'build' and jobs.id = any(${ids}::uuid[])`, ids.length)).map(toDetails);
}

/** Builds that run and wait, in the order in which they will be done, and those that ended last. */
export async function listJobs(
  db: Db,
  states: readonly JobState[],
  limit: number,
): Promise<z.infer<typeof jobDetails>[]> {
  const rows = await rowsOf(db, sql`jobs.kind = 'build' and jobs.state = any(${states}::text[])`, limit);
  return rows.map(toDetails);
}

/**
 * Position counts what is more urgent or equally urgent and older; fairness between workspaces may change it. The expected start
 * is what lies before it times what builds usually take, over the builds that run at once.
 */
async function rowsOf(db: Db, condition: ReturnType<typeof sql>, limit: number): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    with usual as (
      select percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at)) as seconds
      from (select started_at, finished_at from jobs where kind = 'build' and state = 'SUCCEEDED' order by created_at desc limit 50) as recent
    ), chosen as (
      select * from jobs where ${condition}
      order by (state in ('QUEUED', 'RUNNING')) desc, case when state = 'RUNNING' then 0 else 1 end,
        case when state = 'QUEUED' then priority end, case when state = 'QUEUED' then created_at end, created_at desc
      limit ${limit}
    )
    select jobs.id, jobs.kind, jobs.state, jobs.priority, jobs.progress, jobs.failure, jobs.attempts, jobs.cancel_requested_at,
      jobs.created_at, jobs.started_at, jobs.finished_at,
      coalesce((
        select json_agg(json_build_object('name', images.name, 'version', versions.number, 'creator', users.name, 'workspace', workspaces.name)
          order by versions.id)
        from versions join images on images.id = versions.image_id left join users on users.id = images.creator_id
          left join workspaces on workspaces.id = images.workspace_id
        where versions.job_id = jobs.id
      ), '[]') as images,
      case when jobs.state = 'QUEUED' then (
        select count(*) + 1 from jobs as ahead where ahead.kind = jobs.kind and ahead.state = 'QUEUED'
          and (ahead.priority, ahead.created_at, ahead.id) < (jobs.priority, jobs.created_at, jobs.id)
      ) end as position,
      (select count(*) from jobs as running where running.kind = jobs.kind and running.state = 'RUNNING') as running,
      usual.seconds as usual_seconds
    from chosen as jobs, usual`.execute(db);
  return rows;
}

function toDetails(row: Row): z.infer<typeof jobDetails> {
  const { doneBytes = 0, totalBytes = 0, sentBytes = 0, stages = [], stage } = row.progress ?? {};
  const isRunning = row.state === 'RUNNING';
  return {
    jobId: row.id,
    kind: row.kind,
    status: row.state,
    images: [...row.images],
    priority: priorityName(row.priority),
    queuePosition: row.position,
    expectedStart: expectedStart(row),
    stage: isRunning ? (stage ?? null) : null,
    progress: {
      doneBytes,
      totalBytes: Math.max(totalBytes, doneBytes),
      sentBytes,
      secondsLeft: isRunning ? secondsLeft(row, doneBytes, totalBytes) : null,
      stages: stages.map((one) => ({ ...one })),
    },
    createdAt: row.created_at.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
    attempts: row.attempts,
    cancellationRequested: row.cancel_requested_at !== null,
    failure: row.failure,
  };
}

function expectedStart({ position, usual_seconds: usual, running }: Row): string | null {
  if (position === null || usual === null) return null;
  const seconds = (usual * position) / Math.max(1, running);
  return new Date(Date.now() + seconds * 1000).toISOString();
}

/** From how fast the bytes came so far; where none are to come, from what builds usually take. */
function secondsLeft({ started_at: startedAt, usual_seconds: usual }: Row, done: number, total: number): number | null {
  if (startedAt === null) return null;
  const elapsed = (Date.now() - startedAt.getTime()) / 1000;
  if (total > 0 && done > 0 && total > done) return Math.ceil((elapsed * (total - done)) / done);
  return usual === null ? null : Math.max(0, Math.ceil(usual - elapsed));
}
