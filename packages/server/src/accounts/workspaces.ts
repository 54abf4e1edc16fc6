import type { WorkspaceRole } from '@mir/core';
import { sql } from 'kysely';
import { serverFault } from '../fault.ts';
import type { Db, Trx } from '../instance-context.ts';
import { defaultWorkspace } from './users.ts';

/** Workspaces with how many members they have. */
export async function listWorkspaces(db: Db): Promise<{ name: string; createdAt: string; members: number }[]> {
  const rows = await db
    .selectFrom('workspaces')
    .orderBy('name')
    .select([
      'name',
      'created_at',
      sql<number>`(select count(*) from members where workspace_id = workspaces.id)`.as('members'),
    ])
    .execute();
  return rows.map(({ name, created_at: createdAt, members }) => ({
    name,
    createdAt: createdAt.toISOString(),
    members,
  }));
}

/** A workspace by its name. @throws Fault `workspace/unknown` */
export async function findWorkspace(db: Db, name: string): Promise<{ readonly id: number; readonly name: string }> {
  const found = await db.selectFrom('workspaces').where('name', '=', name).select(['id', 'name']).executeTakeFirst();
  if (found !== undefined) return found;
  throw serverFault('workspace/unknown', {
    what: `There is no workspace named "${name}"`,
    subject: name,
    hint: 'GET /v1/workspaces lists them.',
  });
}

/** Makes a workspace. @throws Fault `workspace/taken`, `request/malformed` */
export async function createWorkspace(trx: Trx, name: string): Promise<void> {
  if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name)) {
    throw serverFault(
      'request/malformed',
      {
        what: `"${name}" cannot be the name of a workspace`,
        subject: name,
        hint: 'Use lower-case letters, digits, _ and -.',
      },
      [{ field: 'name', message: 'is not a name' }],
    );
  }
  const made = await trx
    .insertInto('workspaces')
    .values({ name })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (made === undefined) {
    throw serverFault('workspace/taken', {
      what: `There is a workspace named "${name}" already`,
      subject: name,
      hint: 'Choose another name.',
    });
  }
}

/** Deletes a workspace with its memberships and tokens; images belong to the instance and stay. @throws Fault `workspace/unknown` */
export async function removeWorkspace(trx: Trx, name: string): Promise<void> {
  const { id } = await findWorkspace(trx, name);
  if (name === defaultWorkspace) {
    throw serverFault('request/precondition', {
      what: 'The workspace "default" cannot be deleted',
      hint: 'Every account belongs to it.',
    });
  }
  await trx.deleteFrom('workspaces').where('id', '=', id).execute();
}

/** Who belongs to a workspace. */
export async function listMembers(
  db: Db,
  { id }: { readonly id: number },
): Promise<{ user: string; role: WorkspaceRole }[]> {
  return db
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.user_id')
    .where('members.workspace_id', '=', id)
    .orderBy('users.name')
    .select(['users.name as user', 'members.role'])
    .execute();
}

/** Gives an account a role in a workspace. @returns the role that it had */
export async function setMember(
  trx: Trx,
  workspaceId: number,
  userId: number,
  role: WorkspaceRole,
): Promise<WorkspaceRole | undefined> {
  const old = await trx
    .selectFrom('members')
    .where('workspace_id', '=', workspaceId)
    .where('user_id', '=', userId)
    .select('role')
    .executeTakeFirst();
  await trx
    .insertInto('members')
    .values({ workspace_id: workspaceId, user_id: userId, role })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'user_id']).doUpdateSet({ role }))
    .execute();
  return old?.role;
}

/** Takes an account out of a workspace, with its tokens for it. */
export async function removeMember(trx: Trx, workspaceId: number, userId: number): Promise<void> {
  await trx.deleteFrom('members').where('workspace_id', '=', workspaceId).where('user_id', '=', userId).execute();
  await trx
    .updateTable('api_tokens')
    .set({ revoked_at: new Date() })
    .where('workspace_id', '=', workspaceId)
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .execute();
}
