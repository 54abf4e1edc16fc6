import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely, Transaction } from 'kysely';
import { DatabaseError } from 'pg';
import { isConnectionLost } from './unreachable.ts';

/** How a transaction is done. */
export type TransactionOptions = {
  /** `read committed` unless said otherwise. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /** How often the work is tried when others are in its way. */
  readonly attempts?: number;
  /** For how long a database that is just starting again is waited for. */
  readonly connectSeconds?: number;
};

/**
 * Does work in one transaction: all of it happens, or nothing.
 *
 * The work is done again when PostgreSQL has undone it because of others (a deadlock, a serialization failure), so it must change
 * nothing but the database. It is also done later when no connection could be had *before* it began. A connection that is lost
 * afterwards is an error: the transaction may have been committed, and only the caller knows how to look.
 */
export async function transaction<Tables, Result>(
  database: Kysely<Tables>,
  work: (transaction: Transaction<Tables>) => Promise<Result>,
  options: TransactionOptions = {},
): Promise<Result> {
  const deadline = performance.now() + (options.connectSeconds ?? 5) * 1000;
  const attempts = options.attempts ?? 10;
  for (let attempt = 1; ; ) {
    let hasBegun = false;
    try {
      return await database
        .transaction()
        .setIsolationLevel(options.isolation ?? 'read committed')
        .execute((opened) => {
          hasBegun = true;
          return work(opened);
        });
    } catch (thrown) {
      const isInTheWay = hasBegun && isConflict(thrown) && attempt < attempts;
      const hasNoConnection = !hasBegun && isConnectionLost(thrown) && performance.now() < deadline;
      if (!isInTheWay && !hasNoConnection) throw thrown;
      if (isInTheWay) attempt += 1;
      // Chance keeps the two from meeting again.
      await delay(Math.random() * Math.min(20 * 2 ** attempt, 1_000));
    }
  }
}

function isConflict(thrown: unknown): boolean {
  return thrown instanceof DatabaseError && (thrown.code === '40001' || thrown.code === '40P01');
}
