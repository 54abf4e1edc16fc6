import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { transaction } from '../database/transaction.ts';
import type { Db } from '../instance-context.ts';
import { hashSecret, newSecret } from './secret.ts';
import { createUser, defaultWorkspace } from './users.ts';

const linkMinutes = 60;

/** What the first start of an instance made. */
export type FirstStart = {
  /** Opens the page on which the administrator's account is made; undefined when its password was given. */
  readonly setUpCode: string | undefined;
};

/**
 * Makes what every instance has: its secret, the workspace `default`, and the administrator `admin`. With a password the
 * account is ready; without, a one-time code is made for whoever reads the server's output. Repeated, it makes a new code as
 * long as nobody has used one.
 */
export async function makeInstance(db: Db, adminPassword: string | undefined): Promise<FirstStart> {
  return transaction(db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('mir/first-start'))`.execute(trx);
    await trx
      .insertInto('instance')
      .values({ secret: randomBytes(32) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await trx
      .insertInto('workspaces')
      .values({ name: defaultWorkspace })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const administrator = await trx
      .selectFrom('users')
      .where('role', '=', 'admin')
      .select(['id', 'password_hash'])
      .executeTakeFirst();
    if (administrator === undefined) {
      const password = adminPassword === undefined || adminPassword === '' ? {} : { password: adminPassword };
      await createUser(trx, { name: 'admin', role: 'admin', ...password });
    }
    const isReady =
      (adminPassword !== undefined && adminPassword !== '' && administrator === undefined) ||
      (administrator !== undefined && (await isSetUp(trx)));
    if (isReady) return { setUpCode: undefined };
    const code = newSecret('mir_setup');
    await trx.deleteFrom('set_up_links').where('used_at', 'is', null).execute();
    await trx
      .insertInto('set_up_links')
      .values({ hash: hashSecret(code), expires_at: sql<Date>`now() + make_interval(mins => ${linkMinutes})` })
      .execute();
    return { setUpCode: code };
  });
}

/** Whether somebody can sign in as an administrator. */
async function isSetUp(db: Db): Promise<boolean> {
  const found = await db
    .selectFrom('users')
    .where('role', '=', 'admin')
    .where('password_hash', 'is not', null)
    .where('is_active', '=', true)
    .select('id')
    .executeTakeFirst();
  return found !== undefined;
}
