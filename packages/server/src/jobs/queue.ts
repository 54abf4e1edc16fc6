import { sql } from 'kysely';
import { transaction } from '../database/transaction.ts';
import type { Db, Trx } from '../instance-context.ts';
import type { JobKind, JobPriority } from './job.ts';

/** Work that is asked for. */
export type NewJob = {
  readonly kind: JobKind;
  /** Work with an equal key that waits or runs is joined, not repeated. */
  readonly key: Buffer;
  readonly priority: JobPriority;
  readonly workspaceId: number | null;
  readonly creatorId: number | null;
  readonly payload: object;
  readonly requestId: string | null;
  /** It waits until {@link release} lets it be taken. */
  readonly isHeld?: boolean;
};

/** The channels on which processes of the instance wake each other; on those of images and test runs the database itself speaks. */
export const channels = {
  queued: 'mir_queued',
  cancelled: 'mir_cancelled',
  changed: 'mir_changed',
  images: 'mir_images',
  runs: 'mir_runs',
  outbox: 'mir_outbox',
} as const;

/**
 * Puts work into the queue, in the transaction of what it is for. The same work that waits or runs already is joined; it becomes
 * as urgent as the more urgent of the two.
 *
 * @returns the job's id
 */
export async function enqueue(trx: Trx, job: NewJob): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into jobs (kind, key, priority, workspace_id, creator_id, state, payload, request_id, run_after)
    values (${job.kind}, ${job.key}, ${job.priority}, ${job.workspaceId}, ${job.creatorId}, 'QUEUED',
      ${JSON.stringify(job.payload)}, ${job.requestId}, case when ${job.isHeld === true} then 'infinity' else now() end)
    on conflict (kind, key) where state in ('QUEUED', 'RUNNING') and cancel_requested_at is null
    do update set priority = least(jobs.priority, excluded.priority)
    returning id`.execute(trx);
  await sql`select pg_notify(${channels.queued}, ${job.kind})`.execute(trx);
  const [row] = rows;
  if (row === undefined) throw new TypeError('a job that was put into the queue has no id');
  return row.id;
}

/** Lets held jobs be taken. */
export async function release(trx: Trx, jobs: readonly string[]): Promise<void> {
  if (jobs.length === 0) return;
  const released = await trx
    .updateTable('jobs')
    .set({ run_after: sql<Date>`now()` })
    .where('id', 'in', [...jobs])
    .where('run_after', '=', sql<Date>`'infinity'::timestamptz`)
    .returning('kind')
    .execute();
  for (const kind of new Set(released.map((one) => one.kind)))
    await sql`select pg_notify(${channels.queued}, ${kind})`.execute(trx);
}

/** A job that a worker has taken. */
export type ClaimedJob = {
  readonly id: string;
  readonly kind: JobKind;
  readonly priority: JobPriority;
  readonly payload: unknown;
  readonly attempts: number;
  readonly requestId: string | null;
  readonly createdAt: Date;
  /** Set when a worker that has gone was told to stop. */
  readonly cancelRequestedAt: Date | null;
};

/** A worker that is not heard of for so long has gone: its jobs are free again. */
export const leaseSeconds = 30;

/**
 * Takes the next job: the most urgent; among equals one of the workspace with the fewest of these kinds running, then of the one that waited
 * longest; then the oldest. Jobs of workers that have gone count as waiting.
 */
export async function claim(db: Db, worker: string, kinds: readonly JobKind[]): Promise<ClaimedJob | undefined> {
  return transaction(db, async (trx) => {
    const { rows } = await sql<{ id: string; workspace_id: number | null }>`
      select jobs.id, jobs.workspace_id from jobs
      left join workspaces on workspaces.id = jobs.workspace_id
      where jobs.kind = any(${kinds}::text[])
        and ((jobs.state = 'QUEUED' and jobs.run_after <= now())
          or (jobs.state = 'RUNNING' and jobs.lease_until < now()))
      order by jobs.priority,
        (select count(*) from jobs as running
          where running.state = 'RUNNING' and running.workspace_id = jobs.workspace_id and running.lease_until >= now()
            and running.kind = any(${kinds}::text[])),
        workspaces.served_at nulls first, jobs.created_at, jobs.id
      limit 1 for update of jobs skip locked`.execute(trx);
    const [found] = rows;
    if (found === undefined) return undefined;
    const taken = await trx
      .updateTable('jobs')
      .set({
        state: 'RUNNING',
        worker_id: worker,
        lease_until: sql<Date>`now() + make_interval(secs => ${leaseSeconds})`,
        started_at: sql<Date>`coalesce(started_at, now())`,
        attempts: sql<number>`attempts + 1`,
      })
      .where('id', '=', found.id)
      .returning([
        'id',
        'kind',
        'priority',
        'payload',
        'attempts',
        'request_id as requestId',
        'created_at as createdAt',
        'cancel_requested_at as cancelRequestedAt',
      ])
      .executeTakeFirstOrThrow();
    if (found.workspace_id !== null) {
      await trx
        .updateTable('workspaces')
        .set({ served_at: sql<Date>`clock_timestamp()` })
        .where('id', '=', found.workspace_id)
        .execute();
    }
    return taken;
  });
}

/**
 * Says that a worker still works on its jobs.
 *
 * @returns those of them that it should stop: cancelled, or no longer its own
 */
export async function renew(db: Db, worker: string, jobs: readonly string[]): Promise<readonly string[]> {
  if (jobs.length === 0) return [];
  const kept = await db
    .updateTable('jobs')
    .set({ lease_until: sql<Date>`now() + make_interval(secs => ${leaseSeconds})` })
    .where('id', 'in', [...jobs])
    .where('worker_id', '=', worker)
    .where('state', '=', 'RUNNING')
    .where('cancel_requested_at', 'is', null)
    .returning('id')
    .execute();
  const ids = new Set(kept.map(({ id }) => id));
  return jobs.filter((id) => !ids.has(id));
}

/** Gives a job back to the queue: a worker that is told to stop does so, and one that wants to try again later. */
export async function handBack(
  db: Db,
  worker: string,
  job: ClaimedJob,
  options: { readonly afterSeconds: number; readonly countsAsAttempt: boolean },
): Promise<void> {
  await transaction(db, async (trx) => {
    await trx
      .updateTable('jobs')
      .set({
        state: 'QUEUED',
        worker_id: null,
        lease_until: null,
        run_after: sql<Date>`now() + make_interval(secs => ${options.afterSeconds})`,
        ...(!options.countsAsAttempt && { attempts: sql<number>`attempts - 1` }),
      })
      .where('id', '=', job.id)
      .where('worker_id', '=', worker)
      .where('state', '=', 'RUNNING')
      .execute();
    await sql`select pg_notify(${channels.queued}, ${job.kind})`.execute(trx);
  });
}

/** Frees the jobs of a worker that is known to have died, or of all that there were, before their lease runs out. */
export async function releaseJobsOf(db: Db, worker: string | 'all'): Promise<void> {
  await transaction(db, async (trx) => {
    let jobs = trx
      .updateTable('jobs')
      .set({ lease_until: sql<Date>`now() - interval '1 second'` })
      .where('state', '=', 'RUNNING');
    if (worker !== 'all') jobs = jobs.where('worker_id', '=', worker);
    const freed = await jobs.returning('kind').execute();
    for (const { kind } of freed) await sql`select pg_notify(${channels.queued}, ${kind})`.execute(trx);
  });
}

/** Whether a job waits that is more urgent than another. */
export async function isMoreUrgentWaiting(db: Db, kinds: readonly JobKind[], than: JobPriority): Promise<boolean> {
  const found = await db
    .selectFrom('jobs')
    .where('kind', 'in', [...kinds])
    .where('state', '=', 'QUEUED')
    .where('run_after', '<=', sql<Date>`now()`)
    .where('priority', '<', than)
    .select('id')
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}
