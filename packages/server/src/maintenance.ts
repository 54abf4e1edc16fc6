import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { sql } from 'kysely';
import type { Db } from './instance-context.ts';

const everyHours = 1;
/** Plans were answered long ago; builds, with their logs, belong to their versions and stay. */
const planDays = 1;

/** Forgets what nobody will ask for again: plans, sessions that are over, old Idempotency-Keys. */
export class Maintenance implements AsyncDisposable {
  readonly #db: Db;
  readonly #logger: FastifyBaseLogger;
  readonly #stopping = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(db: Db, logger: FastifyBaseLogger) {
    this.#db = db;
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
    await sql`delete from jobs where kind <> 'build' and finished_at < now() - make_interval(days => ${planDays})`.execute(
      this.#db,
    );
    await sql`delete from sessions where expires_at < now()`.execute(this.#db);
    await sql`delete from idempotent_answers where created_at < now() - interval '1 day'`.execute(this.#db);
    await sql`delete from outbox where done_at < now() - interval '7 days'`.execute(this.#db);
  }
}
