import { sql } from 'kysely';
import type { Trace } from '../access/caller.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { Db } from '../instance-context.ts';
import { hashSecret, newSecret } from './secret.ts';
import { startSession } from './sign-in.ts';
import { checkedHash } from './users.ts';

/**
 * Opens the one-time link of a first start and binds it to the browser that does so first: whoever finds it later, in a log or over
 * a shoulder, cannot use it.
 *
 * @returns the secret that this browser has to bring along
 * @throws Fault `access/sign-in`
 */
export async function openSetUp(db: Db, code: string, binding: string | undefined): Promise<string> {
  return transaction(db, async (trx) => {
    const link = await usableLink(trx, code);
    if (link.bound_to === null) {
      const secret = newSecret('mir_setup');
      await trx
        .updateTable('set_up_links')
        .set({ bound_to: hashSecret(secret) })
        .where('hash', '=', link.hash)
        .execute();
      return secret;
    }
    if (binding === undefined || !hashSecret(binding).equals(link.bound_to)) throw unusable();
    return binding;
  });
}

/** Sets the administrator's password by the one-time link. @returns the secret of a session */
export async function setUp(
  db: Db,
  code: string,
  password: string,
  binding: string | undefined,
  trace: Trace,
): Promise<string> {
  const hash = await checkedHash(password);
  return transaction(db, async (trx) => {
    const link = await usableLink(trx, code);
    if (link.bound_to !== null && (binding === undefined || !hashSecret(binding).equals(link.bound_to)))
      throw unusable();
    await trx.updateTable('set_up_links').set({ used_at: sql<Date>`now()` }).where('hash', '=', link.hash).execute();
    const admin = await trx
      .updateTable('users')
      .set({ password_hash: hash })
      .where('name', '=', 'admin')
      .returning(['id', 'name'])
      .executeTakeFirstOrThrow();
    await audit(trx, { caller: undefined, userName: admin.name, trace, action: 'set-up', subject: admin.name });
    return startSession(trx, admin.id);
  });
}

async function usableLink(db: Db, code: string) {
  const link = await db
    .selectFrom('set_up_links')
    .where('hash', '=', hashSecret(code))
    .where('used_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .forUpdate()
    .selectAll()
    .executeTakeFirst();
  if (link === undefined) throw unusable();
  return link;
}

function unusable() {
  return serverFault('access/sign-in', {
    what: 'The set-up link is wrong, too old, or was opened elsewhere before',
    hint: 'Start the server again for a new one, or set MIR_ADMIN_PASSWORD for its first start.',
  });
}
