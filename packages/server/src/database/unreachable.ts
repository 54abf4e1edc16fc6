import { Fault } from '@mir/core';
import { DatabaseError } from 'pg';
import { databaseFault } from './fault.ts';

/**
 * What kept us from a database at the start, as a fault for a person; a fault stays as it is.
 *
 * @param display the address without the password
 */
export function asUnreachable(thrown: unknown, display: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof Fault) return thrown;
  return databaseFault('database/unreachable', {
    what: `The database ${display} cannot be reached: ${reasonOf(thrown)}`,
    subject: display,
    hint: hintFor(thrown),
    cause: thrown,
  });
}

/** Whether there is no connection, or the database has just closed it: nothing is wrong with what was asked. */
export function isConnectionLost(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  // 08: connection; 57P01 to 57P03: shut down, crashed, not started yet; 53300: too many connections.
  if (thrown instanceof DatabaseError) return code.startsWith('08') || /^(57P0[123]|53300)$/.test(code);
  if (/^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/.test(code))
    return true;
  return /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
    thrown.message,
  );
}

function reasonOf(thrown: Error): string {
  // Both forms of an address were tried; the first reason will do.
  if (thrown instanceof AggregateError && thrown.errors[0] instanceof Error) return thrown.errors[0].message;
  return thrown.message;
}

function hintFor(thrown: Error): string {
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  if (/no pg_hba.conf entry.* no encryption/.test(thrown.message)) {
    return 'Set sslmode in DATABASE_URL, verify-full if you can, or have the database take this user and host.';
  }
  if (code.startsWith('28')) return 'Correct the user or the password in DATABASE_URL.';
  if (code === '3D000') return 'Make the database, or correct its name in DATABASE_URL.';
  if (/ssl|certificate|self.signed/i.test(`${code} ${thrown.message}`)) {
    return 'Correct sslmode in DATABASE_URL, or name the certificate of the authority as sslrootcert.';
  }
  return 'Look whether the database runs and DATABASE_URL names it, then start again.';
}
