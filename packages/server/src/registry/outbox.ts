import type { FastifyBaseLogger } from 'fastify';
import { sql } from 'kysely';
import { transaction } from '../database/transaction.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { repeat } from '../repetition.ts';
import { applyBatch } from '../updates/application.ts';
import type { ImageRegistry } from './image-registry.ts';

const pollSeconds = 2;
const longestWaitSeconds = 300;

/** What the outbox works with. */
type OutboxOptions = {
  readonly context: InstanceContext;
  readonly registry: ImageRegistry;
  readonly logger: FastifyBaseLogger;
};

/**
 * Does what was acknowledged before: removes the repositories of removed images, asks for the versions of updates. It is tried until it succeeds; what
 * keeps it from succeeding is written beside it.
 */
export function startOutbox(options: OutboxOptions): AsyncDisposable {
  return repeat({
    round: async () => ((await doNext(options)) ? 'more' : 'done'),
    pauseSeconds: pollSeconds,
    onFailure: (thrown) => options.logger.warn({ err: thrown }, 'the outbox could not be read'),
  });
}

/** Takes the next piece of work; the row is locked until it is done, so no two servers do it. */
async function doNext({ context, registry, logger }: OutboxOptions): Promise<boolean> {
  return transaction(context.db, async (trx) => {
    const row = await trx
      .selectFrom('outbox')
      .where('done_at', 'is', null)
      .where('run_after', '<=', sql<Date>`now()`)
      .orderBy('run_after')
      .limit(1)
      .forUpdate()
      .skipLocked()
      .selectAll()
      .executeTakeFirst();
    if (row === undefined) return false;
    const mine = trx.updateTable('outbox').where('id', '=', row.id);
    try {
      // What a failed attempt wrote is undone; what is known of the failure is not.
      await sql`savepoint attempt`.execute(trx);
      await work({ context, registry }, trx, row.kind, row.payload);
      await mine.set({ done_at: sql<Date>`now()`, last_error: null }).execute();
    } catch (thrown) {
      await sql`rollback to savepoint attempt`.execute(trx);
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      logger.warn({ kind: row.kind, payload: row.payload, message }, 'work of the outbox failed; it is tried again');
      const afterSeconds = Math.min(2 ** row.attempts, longestWaitSeconds);
      await mine
        .set({
          attempts: row.attempts + 1,
          last_error: message,
          run_after: sql<Date>`now() + make_interval(secs => ${afterSeconds})`,
        })
        .execute();
    }
    return true;
  });
}

async function work(
  { context, registry }: Pick<OutboxOptions, 'context' | 'registry'>,
  trx: Trx,
  kind: string,
  payload: object,
): Promise<void> {
  if (kind === 'remove-repository') {
    const { repository } = payload as { readonly repository: string };
    if (await isBeingBuilt(trx, repository)) throw new Error('a build into the repository has not ended yet');
    await registry.removeRepository(context.repositories.path(repository));
  } else if (kind === 'apply-update') {
    const { update, after } = payload as { readonly update: string; readonly after: string };
    const next = await applyBatch(context, trx, update, after);
    if (next === undefined) return;
    await trx
      .insertInto('outbox')
      .values({ kind, payload: JSON.stringify({ update, after: next }) })
      .execute();
  } else throw new TypeError(`the outbox holds work of an unknown kind: ${kind}`);
}

/** A build that was told to stop may still put its image there; what it puts there after the removal, nobody would remove. */
async function isBeingBuilt(trx: Trx, repository: string): Promise<boolean> {
  const found = await trx
    .selectFrom('images')
    .innerJoin('versions', 'versions.image_id', 'images.id')
    .innerJoin('jobs', 'jobs.id', 'versions.job_id')
    .where('images.repository', '=', repository)
    .where('jobs.state', '=', 'RUNNING')
    .select('jobs.id')
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}
