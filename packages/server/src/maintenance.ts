import type { FastifyBaseLogger } from 'fastify';
import { sql } from 'kysely';
import type { Db } from './instance-context.ts';
import { repeat } from './repetition.ts';

const everyHours = 1;
/** Plans were answered long ago; builds, with their logs, belong to their versions and stay. */
const planDays = 1;

/** Forgets what nobody will ask for again: plans, sessions that are over, old Idempotency-Keys. */
export function startMaintenance(db: Db, logger: FastifyBaseLogger): AsyncDisposable {
  return repeat({
    round: async () => {
      await forget(db);
      return 'done';
    },
    pauseSeconds: everyHours * 3600,
    onFailure: (thrown) => logger.warn({ err: thrown }, 'maintenance failed; it is tried again'),
  });
}

async function forget(db: Db): Promise<void> {
  await sql`delete from jobs where kind <> 'build' and finished_at < now() - make_interval(days => ${planDays})`.execute(
    db,
  );
  await sql`delete from sessions where expires_at < now()`.execute(db);
  await sql`delete from idempotent_answers where created_at < now() - interval '1 day'`.execute(db);
  await sql`delete from outbox where done_at < now() - interval '7 days'`.execute(db);
}
