import { sql } from 'kysely';
import { serverFault } from '../fault.ts';
import type { Db, Trx } from '../instance-context.ts';
import { hashSecret, newSecret } from './secret.ts';

/** How long a token lives unless told otherwise, and at most. */
export const tokenDays = 270;

/** The most tokens that one account may have. */
const tokenLimit = 200;

/** A token as it is shown; its secret never is again. */
export type ApiToken = {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly workspace: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly lastUsedAt: string | null;
};

/** Makes a token; the secret is in the answer only. @throws Fault `token/too-many` */
export async function createToken(
  trx: Trx,
  of: { readonly userId: number; readonly workspaceId: number; readonly name: string; readonly days?: number },
): Promise<{ readonly id: string; readonly secret: string }> {
  // Two requests at once must not both find room for the last one.
  await trx.selectFrom('users').where('id', '=', of.userId).select('id').forUpdate().execute();
  const { count } = await trx
    .selectFrom('api_tokens')
    .where('user_id', '=', of.userId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (Number(count) >= tokenLimit) {
    throw serverFault('token/too-many', {
      what: `The account has ${tokenLimit} tokens already`,
      hint: 'Delete those that nobody uses.',
    });
  }
  const secret = newSecret('mir');
  const { id } = await trx
    .insertInto('api_tokens')
    .values({
      hash: hashSecret(secret),
      name: of.name,
      user_id: of.userId,
      workspace_id: of.workspaceId,
      expires_at: sql<Date>`now() + make_interval(days => ${of.days ?? tokenDays})`,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { id, secret };
}

/** Tokens that still work: all of them, or those of an account or a workspace. */
export async function listTokens(
  db: Db,
  of: { readonly userId?: number; readonly workspaceId?: number; readonly id?: string } = {},
): Promise<ApiToken[]> {
  let query = db
    .selectFrom('api_tokens')
    .innerJoin('users', 'users.id', 'api_tokens.user_id')
    .innerJoin('workspaces', 'workspaces.id', 'api_tokens.workspace_id')
    .where('api_tokens.revoked_at', 'is', null)
    .where('api_tokens.expires_at', '>', sql<Date>`now()`)
    .orderBy('api_tokens.created_at')
    .orderBy('api_tokens.id')
    .select([
      'api_tokens.id',
      'api_tokens.name',
      'users.name as user',
      'workspaces.name as workspace',
      'api_tokens.created_at as createdAt',
      'api_tokens.expires_at as expiresAt',
      'api_tokens.last_used_at as lastUsedAt',
    ]);
  if (of.userId !== undefined) query = query.where('api_tokens.user_id', '=', of.userId);
  if (of.workspaceId !== undefined) query = query.where('api_tokens.workspace_id', '=', of.workspaceId);
  if (of.id !== undefined) query = query.where('api_tokens.id', '=', of.id);
  return (await query.execute()).map((row) => ({
    ...row,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  }));
}
