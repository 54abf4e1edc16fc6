import type { OrganizationRole, WorkspaceRole } from '@mir/core';
import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../instance-context.ts';

type Row = {
  readonly id: number;
  readonly role: OrganizationRole;
  readonly roles: readonly { readonly id: number; readonly role: WorkspaceRole }[] | null;
};

/**
 * Those who asked a while ago, with the rights that they have now. Missing are accounts that are gone or not active any more, tokens that
 * were revoked or have expired, and whoever has signed out.
 */
export async function standingOf(db: Db, callers: readonly Caller[]): Promise<ReadonlyMap<Caller, Caller>> {
  const accounts = [...new Set(callers.map(({ userId }) => userId))];
  const tokens = callers.flatMap(({ tokenId }) => (tokenId === undefined ? [] : [tokenId]));
  const sessions = callers.flatMap(({ sessionHash }) => (sessionHash === undefined ? [] : [sessionHash]));
  const [users, working, signedIn] = await Promise.all([
    sql<Row>`
      select users.id, users.role, (
        select json_agg(json_build_object('id', members.workspace_id, 'role', members.role)) from members where members.user_id = users.id
      ) as roles
      from users where users.is_active and users.id = any(${accounts}::bigint[])`.execute(db),
    sql<{ id: string }>`
      select id from api_tokens where id = any(${tokens}::uuid[]) and revoked_at is null and expires_at > now()`.execute(
      db,
    ),
    sql<{
      hash: Buffer;
    }>`select hash from sessions where hash = any(${sessions}::bytea[]) and expires_at > now()`.execute(db),
  ]);
  const byId = new Map(users.rows.map((row) => [row.id, row]));
  const live = new Set([...working.rows.map(({ id }) => id), ...signedIn.rows.map(({ hash }) => hash.toString('hex'))]);
  const standing = new Map<Caller, Caller>();
  for (const caller of callers) {
    const row = byId.get(caller.userId);
    const admission = caller.tokenId ?? caller.sessionHash?.toString('hex');
    if (row === undefined || (admission !== undefined && !live.has(admission))) continue;
    // A token acts in its workspace alone.
    const roles = (row.roles ?? []).filter(({ id }) => caller.tokenId === undefined || id === caller.workspace?.id);
    standing.set(caller, {
      ...caller,
      role: row.role,
      workspaceRoles: new Map(roles.map(({ id, role }) => [id, role])),
    });
  }
  return standing;
}
