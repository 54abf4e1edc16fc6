import { type FaultData, isFault } from '@mir/core';
import type { FastifyBaseLogger } from 'fastify';
import { sql } from 'kysely';
import { transaction } from '../database/transaction.ts';
import { letTrimmedGo, type TrimmingPayload, trimmingKind } from '../images/trimming.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { appendLog } from '../jobs/log.ts';
import { channels } from '../jobs/queue.ts';
import { repeat } from '../repetition.ts';
import { type ApplicationPayload, applicationKind, applyBatch } from '../updates/application.ts';
import { blameOf } from '../worker/blame.ts';
import { putIntoOutbox } from './outbox-entry.ts';
import { type MakingPayload, makeRepository, makingKind } from './repository-making.ts';
import { type RemovalPayload, removalKind, removeRepository } from './repository-removal.ts';
import { failWaiting, waitingJobs } from './waiting-builds.ts';

const pollSeconds = 2;
const longestWaitSeconds = 300;

/** So often a repository is asked for before those who wait for it are told why there is none. */
const makingLimit = 5;

/** What the outbox works with. */
type OutboxOptions = {
  readonly context: InstanceContext;
  readonly logger: FastifyBaseLogger;
};

/**
 * What is done beside each other: builds wait for their repositories, and must not wait for a removal that takes its time as well.
 */
const lanes: readonly (readonly string[])[] = [[makingKind], [removalKind, applicationKind, trimmingKind]];

type Row = {
  readonly id: number;
  readonly kind: string;
  readonly payload: object;
  readonly attempts: number;
};

/**
 * Does what was acknowledged before: makes and removes repositories, asks for the versions of updates. It is tried until it succeeds; what
 * keeps it from succeeding is written beside it. Only a repository that cannot be made is given up, and the builds that need it fail.
 */
export function startOutbox(options: OutboxOptions): AsyncDisposable {
  const { context, logger } = options;
  const running = lanes.map((kinds) =>
    repeat({
      round: async () => ((await doNext(options, kinds)) ? 'more' : 'done'),
      pauseSeconds: pollSeconds,
      onFailure: (thrown) => logger.warn({ err: thrown }, 'the outbox could not be read'),
      onWake: (wake) =>
        context.notifications.subscribe((channel, kind) => {
          if (channel === channels.outbox && kinds.includes(kind)) wake();
        }),
    }),
  );
  return {
    [Symbol.asyncDispose]: async () => {
      await Promise.all(running.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

/** Takes the next piece of work; the row is locked until it is done, so no two servers do it. */
async function doNext({ context, logger }: OutboxOptions, kinds: readonly string[]): Promise<boolean> {
  return transaction(context.db, async (trx) => {
    const row = await trx
      .selectFrom('outbox')
      .where('done_at', 'is', null)
      .where('kind', 'in', [...kinds])
      .where('run_after', '<=', sql<Date>`now()`)
      .orderBy('priority')
      // A registry takes few repositories in a second: whoever asks for a thousand must not let the others wait for all of them.
      .orderBy(
        (row) =>
          row
            .selectFrom('outbox as done')
            .whereRef('done.workspace_id', '=', 'outbox.workspace_id')
            .whereRef('done.kind', '=', 'outbox.kind')
            .where('done.done_at', 'is not', null)
            .select(({ fn }) => fn.max('done.done_at').as('served_at')),
        (order) => order.asc().nullsFirst(),
      )
      .orderBy('run_after')
      .orderBy('id')
      .limit(1)
      .forUpdate()
      .skipLocked()
      .select(['id', 'kind', 'payload', 'attempts'])
      .executeTakeFirst();
    if (row === undefined) return false;
    const mine = trx.updateTable('outbox').where('id', '=', row.id);
    try {
      // What a failed attempt wrote is undone; what is known of the failure is not.
      await sql`savepoint attempt`.execute(trx);
      await work(context, trx, row);
      await mine.set({ done_at: sql<Date>`now()`, last_error: null }).execute();
    } catch (thrown) {
      await sql`rollback to savepoint attempt`.execute(trx);
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      const isGivenUp = row.kind === makingKind && (await giveUp(context, trx, row, thrown));
      const outcome = isGivenUp ? 'it is given up' : 'it is tried again';
      logger.warn({ kind: row.kind, payload: row.payload, message }, `work of the outbox failed; ${outcome}`);
      await mine
        .set({
          attempts: row.attempts + 1,
          last_error: message,
          ...(isGivenUp
            ? { done_at: sql<Date>`now()` }
            : { run_after: sql<Date>`now() + make_interval(secs => ${waitSeconds(row)})` }),
        })
        .execute();
    }
    return true;
  });
}

function waitSeconds({ attempts }: Row): number {
  return Math.min(2 ** attempts, longestWaitSeconds);
}

/** Tells the builds that wait for a repository why there is none, and whether it is tried again. @returns whether it is not */
async function giveUp({ db }: InstanceContext, trx: Trx, row: Row, thrown: unknown): Promise<boolean> {
  const { repository } = row.payload as MakingPayload;
  const fault: FaultData = isFault(thrown)
    ? thrown.toJSON()
    : { code: 'job/machinery', what: 'The repository could not be made', hint: 'Look into the log of the server.' };
  const isLast = row.attempts + 1 >= makingLimit || (isFault(thrown) && blameOf(thrown.code) === 'spec');
  const jobs = await waitingJobs(trx, repository);
  const text = isLast
    ? `error: ${fault.what}. ${fault.hint}`
    : `${fault.what}. It is tried again in ${waitSeconds(row)} s (attempt ${row.attempts + 1} of ${makingLimit}).`;
  // A log that its worker writes to at this moment is not worth undoing anything for.
  for (const job of jobs) await appendLog(db, job, [{ stage: undefined, text }]).catch(() => undefined);
  if (isLast) await failWaiting(trx, repository, fault);
  return isLast;
}

async function work(context: InstanceContext, trx: Trx, { kind, payload }: Row): Promise<void> {
  if (kind === makingKind) {
    const { repository } = payload as MakingPayload;
    await makeRepository(context, trx, repository);
  } else if (kind === removalKind) {
    const { repository } = payload as RemovalPayload;
    if (await isBeingBuilt(trx, repository)) throw new Error('a build into the repository has not ended yet');
    await removeRepository(context, trx, repository);
  } else if (kind === trimmingKind) {
    const { repository } = payload as TrimmingPayload;
    await letTrimmedGo(context, trx, repository);
  } else if (kind === applicationKind) {
    const { update, after } = payload as ApplicationPayload;
    const next = await applyBatch(context, trx, update, after);
    if (next === undefined) return;
    await putIntoOutbox(trx, applicationKind, { update, after: next } satisfies ApplicationPayload);
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
