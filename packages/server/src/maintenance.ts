import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { sql } from 'kysely';
import type { Db } from './instance-context.ts';

const everyHours = 1;
/** Plans were answered long ago; builds, with their logs, belong to their versions and stay. */
const planDays = 1;

/** Forgets what nobody will ask for again: plans, files and logs of old test runs, sessions that are over, old Idempotency-Keys. */
export class Maintenance implements AsyncDisposable {
  readonly #db: Db;
  readonly #runDays: number;
  readonly #logger: FastifyBaseLogger;
  readonly #stopping = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  /** @param runDays how long files and logs of test runs are kept */
  constructor(db: Db, runDays: number, logger: FastifyBaseLogger) {
    this.#db = db;
    this.#runDays = runDays;
    this.#logger = logger;
  }

  start(): void {
    this.#ended = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#forget().catch((thrown: unknown) =>
        this.#logger.warn({ err: thrown }, 'maintenance failed; it is tried again'),
      );
      await delay(everyHours * 3_600_000, undefined, { signal }).catch(() => undefined);
    }
  }

  async #forget(): Promise<void> {
    await sql`
      delete from jobs where kind in ('plan', 'catalogue') and finished_at < now() - make_interval(days => ${planDays})`.execute(
      this.#db,
    );
    await sql`
      delete from file_sets where created_at < now() - interval '1 day' and (
        created_at < now() - make_interval(days => ${this.#runDays})
        or not exists (select from test_runs where files_id = file_sets.id or results_id = file_sets.id))`.execute(
      this.#db,
    );
    await sql`
      delete from job_log using jobs where jobs.id = job_log.job_id and jobs.kind = 'run'
        and jobs.finished_at < now() - make_interval(days => ${this.#runDays})`.execute(this.#db);
    await sql`delete from sessions where expires_at < now()`.execute(this.#db);
    await sql`delete from idempotent_answers where created_at < now() - interval '1 day'`.execute(this.#db);
    await sql`delete from outbox where done_at < now() - interval '7 days'`.execute(this.#db);
  }
}
