import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Db } from '../instance-context.ts';

/** How often something may be done: a bucket that fills so fast, and holds so much. */
export type Rate = { readonly perSecond: number; readonly burst: number };

/** One taker of a bucket. */
type Taking = {
  readonly rate: Rate;
  /** Whoever is not urgent leaves a part of the bucket to those who are. */
  readonly isUrgent: boolean;
  readonly signal?: AbortSignal;
};

/** How much of a bucket is kept for what a person waits for. */
const reservedShare = 1 / 3;

/** Nobody sleeps longer before looking again: what drains a bucket may be mended. */
const longestSleepSeconds = 5;

/**
 * Token buckets that all processes of an instance share, through its database: a registry counts the requests of an account, whichever
 * worker they come from.
 */
export class TokenBuckets {
  readonly #db: Db;
  readonly #made = new Set<string>();

  constructor(db: Db) {
    this.#db = db;
  }

  /** Waits until there is a token, and takes it. */
  async take(name: string, { rate, isUrgent, signal }: Taking): Promise<void> {
    await this.#make(name, rate);
    const needed = isUrgent ? 1 : 1 + rate.burst * reservedShare;
    for (;;) {
      const missing = await this.#attempt(name, rate, needed);
      if (missing <= 0) return;
      const seconds = Math.min(missing / rate.perSecond, longestSleepSeconds);
      // Those who wait for the same token do not come back at the same moment.
      await delay(1000 * seconds * (1 + Math.random() / 4), undefined, signal === undefined ? {} : { signal });
    }
  }

  /** Empties a bucket: whoever counts says that it was too much, and for how long nothing more is wanted. */
  async drain(name: string, rate: Rate, seconds: number): Promise<void> {
    await this.#make(name, rate);
    await sql`
      update registry_buckets set tokens = least(tokens, ${-seconds * rate.perSecond}), updated_at = clock_timestamp()
      where name = ${name}`.execute(this.#db);
  }

  /** @returns how many tokens are missing; one was taken when none are */
  async #attempt(name: string, { perSecond, burst }: Rate, needed: number): Promise<number> {
    const { rows } = await sql<{ had: number }>`
      with held as (
        select name, least(${burst}::float8, tokens + ${perSecond}::float8 * extract(epoch from clock_timestamp() - updated_at)) as tokens
        from registry_buckets where name = ${name} for update
      ), taken as (
        update registry_buckets set updated_at = clock_timestamp(),
          tokens = held.tokens - case when held.tokens >= ${needed}::float8 then 1 else 0 end
        from held where registry_buckets.name = held.name
      )
      select tokens as had from held`.execute(this.#db);
    return needed - (rows[0]?.had ?? needed);
  }

  async #make(name: string, { burst }: Rate): Promise<void> {
    if (this.#made.has(name)) return;
    await this.#db
      .insertInto('registry_buckets')
      .values({ name, tokens: burst })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    this.#made.add(name);
  }
}
