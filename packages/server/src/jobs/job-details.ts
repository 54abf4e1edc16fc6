import type { FaultData } from '@mir/core';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { jobDetails } from '../http/shapes/job.ts';
import { formatPageToken, parsePageToken } from '../images/page-token.ts';
import type { Db, InstanceContext } from '../instance-context.ts';
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
  readonly made_microseconds: number;
  readonly running: number;
  readonly usual_seconds: number | null;
};

/** How a job stands; undefined when there is none of that id. */
export async function detailsOfJob(db: Db, id: string): Promise<z.infer<typeof jobDetails> | undefined> {
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id)) return undefined;
  const [row] = await rowsOf(db, { condition: sql`id = ${id}`, order: newestFirst, limit: 1 });
  return row === undefined ? undefined : toDetails(row);
}

/** How some builds stand; those that are none are left out. */
export async function detailsOfBuilds(db: Db, ids: readonly string[]): Promise<z.infer<typeof jobDetails>[]> {
  if (ids.length === 0) return [];
  const condition = sql`kind = 'build' and id = any(${ids}::uuid[])`;
  return (await rowsOf(db, { condition, order: newestFirst, limit: ids.length })).map(toDetails);
}

const unfinished: readonly JobState[] = ['RUNNING', 'QUEUED'];
const newestFirst = sql`created_at desc, id`;
/** Exact: as many digits as the database keeps. */
const madeMicroseconds = sql`(extract(epoch from created_at) * 1000000)::bigint`;
const placeOfUnfinished = sql`case when state = 'RUNNING' then 0 else 1 end, case when state = 'QUEUED' then priority else 0 end,
  case when state = 'RUNNING' then -1 else 1 end * ${madeMicroseconds}, id`;

/**
 * A page of the builds: those that run and wait, in the order in which they will be done, then those that ended, the last one first.
 *
 * @throws Fault `page-token/malformed`
 */
export async function listJobs(
  { db, secret }: Pick<InstanceContext, 'db' | 'secret'>,
  states: readonly JobState[],
  limit: number,
  pageToken?: string,
): Promise<{ readonly jobs: z.infer<typeof jobDetails>[]; readonly nextPageToken: string | undefined }> {
  const position = pageToken === undefined ? undefined : parsePageToken(pageToken, 'jobs', secret);
  const asked = position === undefined ? states : (position.filter as readonly JobState[]);
  const isOver = position?.after[0] === 'ended';
  const rows = isOver ? [] : [...(await unfinishedJobs(db, asked, limit + 1, position?.after.slice(1)))];
  if (rows.length <= limit) {
    rows.push(...(await endedJobs(db, asked, limit + 1 - rows.length, isOver ? position.after.slice(1) : undefined)));
  }
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    jobs: page.map(toDetails),
    nextPageToken:
      rows.length > page.length && last !== undefined
        ? formatPageToken({ list: 'jobs', filter: asked, after: placeOf(last) }, secret)
        : undefined,
  };
}

function unfinishedJobs(db: Db, states: readonly JobState[], limit: number, after?: readonly (string | number)[]) {
  const wanted = states.filter((state) => unfinished.includes(state));
  const [rank, priority, time, id] = after ?? [];
  const behind =
    after === undefined
      ? sql`true`
      : sql`(${placeOfUnfinished}) > (${rank}::integer, ${priority}::integer, ${time}::bigint, ${id}::uuid)`;
  const condition = sql`kind = 'build' and state = any(${wanted}::text[]) and ${behind}`;
  return rowsOf(db, { condition, order: placeOfUnfinished, limit });
}

function endedJobs(db: Db, states: readonly JobState[], limit: number, after?: readonly (string | number)[]) {
  const wanted = states.filter((state) => !unfinished.includes(state));
  const condition = sql`kind = 'build' and state = any(${wanted}::text[]) and ${isMadeBefore(after)}`;
  return rowsOf(db, { condition, order: newestFirst, limit });
}

/** The condition that what is listed with the newest first comes behind a place: when it was made, in microseconds, and its id. */
export function isMadeBefore(after: readonly (string | number)[] | undefined, of = sql``) {
  if (after === undefined) return sql<boolean>`true`;
  const [microseconds, id] = after;
  const time = sql`('epoch'::timestamptz + ${microseconds}::bigint * interval '1 microsecond')`;
  return sql<boolean>`(${of}created_at <= ${time} and (${of}created_at < ${time} or ${of}id > ${id}::uuid))`;
}

function placeOf({ state, priority, made_microseconds: made, id }: Row): readonly (string | number)[] {
  if (state === 'RUNNING') return ['unfinished', 0, 0, -made, id];
  return state === 'QUEUED' ? ['unfinished', 1, priority, made, id] : ['ended', made, id];
}

type Choice = {
  readonly condition: ReturnType<typeof sql>;
  readonly order: ReturnType<typeof sql>;
  readonly limit: number;
};

/**
 * Position counts what is more urgent or equally urgent and older; fairness between workspaces may change it. The expected start
 * is what lies before it times what builds usually take, over the builds that run at once.
 */
async function rowsOf(db: Db, { condition, order, limit }: Choice): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    with usual as (
      select percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at)) as seconds
      from (select started_at, finished_at from jobs where kind = 'build' and state = 'SUCCEEDED' order by created_at desc limit 50) as recent
    ), chosen as (
      select *, row_number() over (order by ${order}) as row, ${madeMicroseconds} as made_microseconds from jobs where ${condition}
      order by ${order} limit ${limit}
    )
    select jobs.id, jobs.kind, jobs.state, jobs.priority, jobs.progress, jobs.failure, jobs.attempts, jobs.cancel_requested_at,
      jobs.created_at, jobs.started_at, jobs.finished_at, jobs.made_microseconds,
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
    from chosen as jobs, usual order by jobs.row`.execute(db);
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
