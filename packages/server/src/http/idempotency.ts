import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { serverFault } from '../fault.ts';
import type { Db } from '../instance-context.ts';
import type { OnceCall } from './dispatch.ts';

/** A request that has been under way for longer was cut off with its server; it is begun anew. */
const lostMinutes = 5;

/** An answer is repeated for so long. */
const keptHours = 24;

/**
 * Does a POST once for its Idempotency-Key: a repetition gets the first answer, one with another body is refused, and one that
 * comes while the first is under way is told so. What was refused may be tried again under the same key.
 *
 * @throws Fault `idempotency/mismatch`, `idempotency/under-way`
 */
export async function once(
  db: Db,
  { caller, key, path, body }: OnceCall,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const digest = createHash('sha256')
    .update(JSON.stringify([path, body ?? null]))
    .digest();
  const name = key.slice(0, 255);
  await sql`delete from idempotent_answers where user_id = ${caller.userId} and (created_at < now() - make_interval(hours => ${keptHours})
    or (status is null and created_at < now() - make_interval(mins => ${lostMinutes})))`.execute(db);
  const begun = await db
    .insertInto('idempotent_answers')
    .values({ user_id: caller.userId, key: name, request_digest: digest })
    .onConflict((conflict) => conflict.doNothing())
    .returning('key')
    .executeTakeFirst();
  if (begun === undefined) return standingAnswer(db, caller.userId, name, digest);
  const mine = db.updateTable('idempotent_answers').where('user_id', '=', caller.userId).where('key', '=', name);
  try {
    const result = await work();
    await mine.set({ status: 200, body: JSON.stringify(result ?? {}) }).execute();
    return result;
  } catch (thrown) {
    await db.deleteFrom('idempotent_answers').where('user_id', '=', caller.userId).where('key', '=', name).execute();
    throw thrown;
  }
}

async function standingAnswer(db: Db, userId: number, key: string, digest: Buffer): Promise<unknown> {
  const standing = await db
    .selectFrom('idempotent_answers')
    .where('user_id', '=', userId)
    .where('key', '=', key)
    .select(['request_digest', 'status', 'body'])
    .executeTakeFirst();
  if (standing !== undefined && !standing.request_digest.equals(digest)) {
    throw serverFault('idempotency/mismatch', {
      what: `The Idempotency-Key "${key}" came with another request before`,
      subject: 'Idempotency-Key',
      hint: 'Use a new key for a new request.',
    });
  }
  if (standing?.status != null) return standing.body;
  throw serverFault('idempotency/under-way', {
    what: `The request with the Idempotency-Key "${key}" is still under way`,
    subject: 'Idempotency-Key',
    hint: 'Send it again in a moment to get its answer.',
  });
}
