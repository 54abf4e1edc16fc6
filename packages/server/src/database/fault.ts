import { Fault, type FaultDetails } from '@mir/core';

/** Everything that the database refuses or cannot do, by stable code. */
export type DatabaseFaultCode =
  | 'database/directory'
  | 'database/already-running'
  | 'database/no-programs'
  | 'database/no-user'
  | 'database/other-version'
  | 'database/not-started'
  | 'database/settings'
  | 'database/unreachable'
  | 'database/unsuitable'
  | 'database/newer-than-program'
  | 'database/migration-changed'
  | 'database/migration-failed';

/** A fault of the database. */
export function databaseFault(code: DatabaseFaultCode, details: FaultDetails): Fault<DatabaseFaultCode> {
  return new Fault<DatabaseFaultCode>(code, details);
}
