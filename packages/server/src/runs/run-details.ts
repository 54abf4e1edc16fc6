import type { FaultData } from '@mir/core';
import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import { has } from '../access/rights.ts';
import { serverFault } from '../fault.ts';
import { formatPageToken, parsePageToken } from '../images/page-token.ts';
import type { Db, InstanceContext } from '../instance-context.ts';
import type { JobState } from '../jobs/job.ts';
import { isMadeBefore } from '../jobs/job-details.ts';
import type { RunOutcome } from './test-run.ts';

/** A test run as it is kept. */
export type RunRow = {
  readonly id: string;
  readonly jobId: string;
  readonly state: JobState;
  readonly failure: FaultData | null;
  readonly cancelRequestedAt: Date | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly imageName: string;
  readonly isExternal: boolean;
  readonly version: number | null;
  readonly digest: string | null;
  readonly workspaceId: number | null;
  readonly workspaceName: string | null;
  readonly creatorId: number | null;
  readonly creatorName: string | null;
  readonly command: readonly string[];
  readonly variableNames: readonly string[];
  readonly timeLimitSeconds: number;
  readonly memoryBytes: number;
  readonly wantsNetwork: boolean;
  readonly resultsId: string | null;
  readonly outcome: RunOutcome | null;
  /** When it was made, to the last digit that the database keeps. */
  readonly madeMicroseconds: number;
  /** Null for one that does not wait. */
  readonly queuePosition: number | null;
};

/** Which runs are asked for. */
export type RunFilter = {
  readonly image?: string | undefined;
  readonly state?: JobState | undefined;
  readonly limit: number;
};

const rows = (db: Db) =>
  db
    .selectFrom('test_runs as run')
    .innerJoin('jobs', 'jobs.id', 'run.job_id')
    .leftJoin('versions', 'versions.id', 'run.version_id')
    .leftJoin('workspaces', 'workspaces.id', 'run.workspace_id')
    .leftJoin('users', 'users.id', 'run.creator_id')
    .select([
      'run.id',
      'run.job_id as jobId',
      'jobs.state',
      'jobs.failure',
      'jobs.cancel_requested_at as cancelRequestedAt',
      'run.created_at as createdAt',
      'jobs.started_at as startedAt',
      'jobs.finished_at as finishedAt',
      'run.image_name as imageName',
      'run.is_external as isExternal',
      'versions.number as version',
      'run.digest',
      'run.workspace_id as workspaceId',
      'workspaces.name as workspaceName',
      'run.creator_id as creatorId',
      'users.name as creatorName',
      'run.command',
      'run.variable_names as variableNames',
      'run.time_limit_seconds as timeLimitSeconds',
      'run.memory_bytes as memoryBytes',
      'run.wants_network as wantsNetwork',
      'run.results_id as resultsId',
      'run.outcome',
      sql<number>`(extract(epoch from run.created_at) * 1000000)::bigint`.as('madeMicroseconds'),
      sql<number | null>`case when jobs.state = 'QUEUED' then (
        select count(*) + 1 from jobs as ahead where ahead.kind = jobs.kind and ahead.state = 'QUEUED'
          and (ahead.priority, ahead.created_at, ahead.id) < (jobs.priority, jobs.created_at, jobs.id)
      ) end`.as('queuePosition'),
    ]);

/** A test run that the caller may see. @throws Fault `run/unknown`, also for those that others may see */
export async function findRun(db: Db, caller: Caller, id: string): Promise<RunRow> {
  const row = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id)
    ? await rows(db).where('run.id', '=', id).executeTakeFirst()
    : undefined;
  if (row !== undefined && has(caller, 'seeRuns', row)) return row;
  throw serverFault('run/unknown', {
    what: `There is no test run ${id.slice(0, 100)}`,
    subject: id.slice(0, 100),
    hint: 'GET /v1/test-runs lists those of your workspaces.',
  });
}

/**
 * A page of the runs that the caller may see, the newest first.
 *
 * @throws Fault `page-token/malformed`
 */
export async function listRuns(
  { db, secret }: Pick<InstanceContext, 'db' | 'secret'>,
  caller: Caller,
  { image, state, limit }: RunFilter,
  pageToken?: string,
): Promise<{ readonly runs: readonly RunRow[]; readonly nextPageToken: string | undefined }> {
  const position = pageToken === undefined ? undefined : parsePageToken(pageToken, 'test-runs', secret);
  const asked = position === undefined ? { image, state } : (position.filter as Omit<RunFilter, 'limit'>);
  let found = rows(db)
    .orderBy('run.created_at', 'desc')
    .orderBy('run.id')
    .where(isMadeBefore(position?.after, sql`run.`))
    .limit(limit + 1);
  if (asked.image !== undefined) found = found.where('run.image_name', '=', asked.image);
  if (asked.state !== undefined) found = found.where('jobs.state', '=', asked.state);
  if (!has(caller, 'administer')) {
    const workspaces = [...caller.workspaceRoles.keys()];
    found = found.where(({ or, eb }) =>
      or([
        eb('run.creator_id', '=', caller.userId),
        eb('run.workspace_id', '=', sql<number>`any(${workspaces}::bigint[])`),
      ]),
    );
  }
  const all = await found.execute();
  const runs = all.slice(0, limit);
  const last = runs.at(-1);
  return {
    runs,
    nextPageToken:
      all.length > runs.length && last !== undefined
        ? formatPageToken({ list: 'test-runs', filter: asked, after: [last.madeMicroseconds, last.id] }, secret)
        : undefined,
  };
}

/** The runs that some jobs are of; those that are of none are left out. */
export async function runsOfJobs(db: Db, jobs: readonly string[]): Promise<readonly RunRow[]> {
  return jobs.length === 0
    ? []
    : rows(db)
        .where('run.job_id', 'in', [...jobs])
        .execute();
}
