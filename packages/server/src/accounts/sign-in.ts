import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { audit } from '../audit/audit.ts';
import { serverFault } from '../fault.ts';
import type { Db } from '../instance-context.ts';
import { verifyPassword } from './password.ts';
import { hashSecret, newSecret } from './secret.ts';

/** So many wrong passwords within {@link windowMinutes}, for one account or from one address, and no more are tried. */
const attemptLimits = { account: 10, address: 50 } as const;
const windowMinutes = 15;

/** How long a browser stays signed in. */
export const sessionHours = 12;

/**
 * Signs an account in by its password.
 *
 * @returns the secret of the session, for the browser's cookie
 * @throws Fault `access/sign-in`, `access/too-many-attempts`
 */
export async function signIn(db: Db, name: string, password: string, trace: Trace): Promise<string> {
  const subjects = [`account:${name.toLowerCase()}`, `address:${trace.address ?? 'unknown'}`];
  await refuseTooMany(db, subjects);
  const user = await db
    .selectFrom('users')
    .where('name', '=', name.toLowerCase())
    .where('is_active', '=', true)
    .select(['id', 'name', 'password_hash'])
    .executeTakeFirst();
  if (!(await verifyPassword(password, user?.password_hash)) || user === undefined) {
    await db
      .insertInto('sign_in_failures')
      .values(subjects.map((subject) => ({ subject })))
      .execute();
    await audit(db, { caller: undefined, userName: name.slice(0, 128), trace, action: 'sign-in', outcome: 'refused' });
    throw serverFault('access/sign-in', {
      what: 'The name or the password is wrong',
      hint: 'Try again, or ask an administrator for a new password.',
    });
  }
  await db
    .deleteFrom('sign_in_failures')
    .where('subject', '=', subjects[0] ?? '')
    .execute();
  await audit(db, { caller: undefined, userName: user.name, trace, action: 'sign-in' });
  return startSession(db, user.id);
}

/** Starts a session of an account. @returns its secret */
export async function startSession(db: Db, userId: number): Promise<string> {
  const secret = newSecret('mir_session');
  await db.deleteFrom('sessions').where('expires_at', '<', sql<Date>`now()`).execute();
  await db
    .insertInto('sessions')
    .values({
      hash: hashSecret(secret),
      user_id: userId,
      expires_at: sql<Date>`now() + make_interval(hours => ${sessionHours})`,
    })
    .execute();
  return secret;
}

/** Ends a session. */
export async function signOut(db: Db, secret: string, caller: Caller, trace: Trace): Promise<void> {
  await db.deleteFrom('sessions').where('hash', '=', hashSecret(secret)).execute();
  await audit(db, { caller, trace, action: 'sign-out' });
}

async function refuseTooMany(db: Db, subjects: readonly string[]): Promise<void> {
  await sql`delete from sign_in_failures where at < now() - make_interval(mins => ${windowMinutes})`.execute(db);
  const { rows } = await sql<{ subject: string; count: number }>`
    select subject, count(*) as count from sign_in_failures where subject = any(${subjects}::text[]) group by subject`.execute(
    db,
  );
  const isTooMuch = rows.some(
    ({ subject, count }) => count >= (subject.startsWith('account:') ? attemptLimits.account : attemptLimits.address),
  );
  if (!isTooMuch) return;
  throw serverFault('access/too-many-attempts', {
    what: 'There were too many wrong passwords',
    hint: `Wait ${windowMinutes} minutes, or ask an administrator for a new password.`,
  });
}
