import type { FastifyBaseLogger } from 'fastify';
import { sql } from 'kysely';
import type { Db } from './instance-context.ts';
import { repeat } from './repetition.ts';

const everyHours = 1;
/** Plans were answered long ago; builds, with their logs, belong to their versions and stay. */
const planDays = 1;

/** Forgets what nobody will ask for again: plans, files and logs of old test runs, sessions that are over, old Idempotency-Keys. */
export function startMaintenance(db: Db, runDays: number, logger: FastifyBaseLogger): AsyncDisposable {
  return repeat({
    round: async () => {
      await forget(db, runDays);
      return 'done';
    },
    pauseSeconds: everyHours * 3600,
    onFailure: (thrown) => logger.warn({ err: thrown }, 'maintenance failed; it is tried again'),
  });
}

/** What was sent for a run goes a day after it came, once that run has ended. @param runDays how long logs of test runs are kept, and what they left */
async function forget(db: Db, runDays: number): Promise<void> {
  await sql`
    delete from jobs where kind in ('plan', 'catalogue') and finished_at < now() - make_interval(days => ${planDays})`.execute(
    db,
  );
  await sql`
    delete from file_sets where created_at < now() - interval '1 day' and (
      not exists (select from test_runs where files_id = file_sets.id or results_id = file_sets.id)
      or (user_id is not null or created_at < now() - make_interval(days => ${runDays})) and not exists (
        select from test_runs join jobs on jobs.id = test_runs.job_id where files_id = file_sets.id and finished_at is null))`.execute(
    db,
  );
  await sql`
    delete from job_log using jobs where jobs.id = job_log.job_id and jobs.kind = 'run'
      and jobs.finished_at < now() - make_interval(days => ${runDays})`.execute(db);
  await sql`delete from sessions where expires_at < now()`.execute(db);
  await sql`delete from idempotent_answers where created_at < now() - interval '1 day'`.execute(db);
  await sql`delete from outbox where done_at < now() - interval '7 days'`.execute(db);
}
