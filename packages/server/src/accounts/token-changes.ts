import type { Caller, Trace } from '../access/caller.ts';
import { has, requireRight } from '../access/rights.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { Db } from '../instance-context.ts';
import { type ApiToken, createToken, listTokens } from './tokens.ts';
import { defaultWorkspace, findUser } from './users.ts';
import { findWorkspace } from './workspaces.ts';

/** What a token shall be; for oneself, in one's own workspace, unless told otherwise. */
export type TokenWanted = {
  readonly name: string;
  readonly user?: string | undefined;
  readonly workspace?: string | undefined;
  readonly days?: number | undefined;
};

/** Makes a token on somebody's behalf; the secret is in the answer only. @throws Fault `access/forbidden`, `token/too-many` */
export async function makeToken(
  db: Db,
  caller: Caller,
  wanted: TokenWanted,
  trace: Trace,
): Promise<{ readonly token: ApiToken; readonly secret: string }> {
  const made = await transaction(db, async (trx) => {
    const isOwn = wanted.user === undefined || wanted.user === caller.name;
    // Before the account is looked for: whoever may not make tokens for others does not learn which accounts there are.
    if (!isOwn) requireRight(caller, 'administer', 'Making tokens for others');
    const of = isOwn ? caller.userId : (await findUser(trx, wanted.user)).id;
    const space = await findWorkspace(
      trx,
      wanted.workspace ?? (of === caller.userId ? caller.workspace?.name : undefined) ?? defaultWorkspace,
    );
    requireTokenRight(caller, of, space.id);
    const created = await createToken(trx, {
      userId: of,
      workspaceId: space.id,
      name: wanted.name,
      ...(wanted.days !== undefined && { days: wanted.days }),
    });
    await audit(trx, {
      caller,
      trace,
      action: 'token.create',
      subject: created.id,
      new: { user: wanted.user ?? caller.name, workspace: space.name },
    });
    return created;
  });
  const [token] = await listTokens(db, { id: made.id });
  if (token === undefined) throw new TypeError('a token that was made is not there');
  return { token, secret: made.secret };
}

/** Ends a token for good. @throws Fault `token/unknown`, also of tokens that are none of the caller's business */
export async function revokeToken(db: Db, caller: Caller, id: string, trace: Trace): Promise<void> {
  await transaction(db, async (trx) => {
    const found = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id)
      ? await trx
          .selectFrom('api_tokens')
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .select(['user_id as userId', 'workspace_id as workspaceId'])
          .executeTakeFirst()
      : undefined;
    // Of tokens that are not theirs, others learn nothing.
    if (
      found === undefined ||
      (found.userId !== caller.userId &&
        !has(caller, 'manageWorkspace', { creatorId: null, workspaceId: found.workspaceId }))
    ) {
      throw serverFault('token/unknown', {
        what: `There is no token ${id.slice(0, 100)}`,
        hint: 'GET /v1/api-tokens lists yours.',
      });
    }
    await trx.updateTable('api_tokens').set({ revoked_at: new Date() }).where('id', '=', id).execute();
    await audit(trx, { caller, trace, action: 'token.delete', subject: id });
  });
}

/** A token gives no more rights than its owner has; whoever makes one for somebody else must be allowed to act for them. */
function requireTokenRight(caller: Caller, userId: number, workspaceId: number): void {
  const isWithin = caller.workspace?.id === workspaceId || caller.workspaceRoles.has(workspaceId);
  if (userId === caller.userId && (isWithin || has(caller, 'administer'))) return;
  requireRight(caller, 'administer', 'Making tokens for others, or for workspaces that one is no member of,');
}
