import type { OrganizationRole } from '@mir/core';
import { sql } from 'kysely';
import { serverFault } from '../fault.ts';
import type { Db, Trx } from '../instance-context.ts';
import { hashPassword, passwordMinimum } from './password.ts';

/** The workspace that everybody belongs to unless told otherwise. */
export const defaultWorkspace = 'default';

/** An account as it is shown. */
export type User = {
  readonly name: string;
  readonly role: OrganizationRole;
  readonly isActive: boolean;
  readonly hasPassword: boolean;
  readonly createdAt: string;
};

/** Words that stand where names of accounts do in the paths of the original's routes. */
const wordsOfPaths = ['api-tokens', 'agent-api-tokens', 'deleted-fw-tokens', 'reset-password', 'roles'];

/** Makes an account; without a password it works by API keys alone. @throws Fault `user/name`, `user/taken` */
export async function createUser(
  trx: Trx,
  { name, role, password }: { readonly name: string; readonly role: OrganizationRole; readonly password?: string },
): Promise<{ readonly id: number }> {
  if (!/^[a-z0-9][a-z0-9._@+-]{0,127}$/.test(name) || wordsOfPaths.includes(name)) {
    throw serverFault(
      'user/name',
      {
        what: `"${name}" cannot be the name of an account`,
        subject: name,
        hint: 'Use lower-case letters, digits and . _ @ + -, for example jane.doe@example.org.',
      },
      [{ field: 'name', message: 'is not a name' }],
    );
  }
  const hash = password === undefined ? null : await checkedHash(password);
  const user = await trx
    .insertInto('users')
    .values({ name, role, password_hash: hash })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (user === undefined) {
    throw serverFault('user/taken', {
      what: `There is an account named "${name}" already`,
      subject: name,
      hint: 'Choose another name, or alter that account.',
    });
  }
  await sql`
    insert into members (workspace_id, user_id, role)
    select id, ${user.id}, ${role === 'member' ? 'member' : 'admin'} from workspaces where name = ${defaultWorkspace}`.execute(
    trx,
  );
  return user;
}

/** The hash of a password that is good enough. @throws Fault `request/malformed` */
export async function checkedHash(password: string): Promise<string> {
  if ([...password].length < passwordMinimum) {
    throw serverFault(
      'request/malformed',
      { what: `The password is shorter than ${passwordMinimum} characters`, hint: 'Choose a longer one.' },
      [{ field: 'password', message: 'is too short' }],
    );
  }
  return hashPassword(password);
}

/** An account by its name. @throws Fault `user/unknown` */
export async function findUser(db: Db, name: string) {
  const user = await db.selectFrom('users').where('name', '=', name).selectAll().executeTakeFirst();
  if (user === undefined) {
    throw serverFault('user/unknown', {
      what: `There is no account named "${name}"`,
      subject: name,
      hint: 'GET /v1/users lists them.',
    });
  }
  return user;
}

/** An account as it is shown. */
export function shownUser(user: Awaited<ReturnType<typeof findUser>>): User {
  return {
    name: user.name,
    role: user.role,
    isActive: user.is_active,
    hasPassword: user.password_hash !== null,
    createdAt: user.created_at.toISOString(),
  };
}

/** @throws Fault `user/last-administrator` when nobody would be left who could undo it */
export async function requireAdministrator(trx: Trx): Promise<void> {
  // Two administrators who demote each other at once: the second one sees what the first one did.
  await sql`select pg_advisory_xact_lock(hashtext('mir/administrators'))`.execute(trx);
  const left = await trx
    .selectFrom('users')
    .where('role', '=', 'admin')
    .where('is_active', '=', true)
    .select('id')
    .limit(1)
    .executeTakeFirst();
  if (left !== undefined) return;
  throw serverFault('user/last-administrator', {
    what: 'This is the last organization administrator',
    hint: 'Make somebody else an administrator first.',
  });
}
