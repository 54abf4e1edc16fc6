import { workspaceRoles } from '@mir/core';
import { z } from 'zod';
import { requireRight } from '../../access/rights.ts';
import { listTokens } from '../../accounts/tokens.ts';
import { findUser } from '../../accounts/users.ts';
import {
  createWorkspace,
  findWorkspace,
  listMembers,
  listWorkspaces,
  removeMember,
  removeWorkspace,
  setMember,
} from '../../accounts/workspaces.ts';
import { audit } from '../../audit/audit.ts';
import { transaction } from '../../database/transaction.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';
import { token } from './tokens.ts';

const route = routesOf('accounts');
const workspace = z.object({ name: z.string(), createdAt: z.string(), members: z.number() }).meta({ id: 'Workspace' });
const member = z.object({ user: z.string(), role: z.enum(workspaceRoles) }).meta({ id: 'Member' });
const named = z.object({ name: z.string() });

/** Workspaces, who belongs to them, and the tokens that act in them. */
export function workspaceRoutes({ db }: InstanceContext): Route[] {
  const membership = z.object({ name: z.string(), user: z.string() });
  return [
    route({
      method: 'GET',
      path: '/v1/workspaces',
      id: 'listWorkspaces',
      summary: 'List workspaces',
      access: 'see',
      answer: z.object({ workspaces: z.array(workspace) }),
      handle: async () => ({ workspaces: await listWorkspaces(db) }),
    }),
    route({
      method: 'POST',
      path: '/v1/workspaces',
      id: 'createWorkspace',
      summary: 'Making a workspace',
      access: 'administer',
      body: named,
      answer: z.object({ workspace: z.object({ name: z.string() }) }),
      handle: async ({ body, caller, trace }) => {
        await transaction(db, async (trx) => {
          await createWorkspace(trx, body.name);
          await audit(trx, { caller, trace, action: 'workspace.create', subject: body.name });
        });
        return { workspace: { name: body.name } };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/workspaces/{name}',
      id: 'deleteWorkspace',
      summary: 'Deleting a workspace',
      access: 'administer',
      params: named,
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await transaction(db, async (trx) => {
          await removeWorkspace(trx, params.name);
          await audit(trx, { caller, trace, action: 'workspace.delete', subject: params.name });
        });
        return {};
      },
    }),
    route({
      method: 'GET',
      path: '/v1/workspaces/{name}/members',
      id: 'listMembers',
      summary: 'Listing members',
      access: 'see',
      params: named,
      answer: z.object({ members: z.array(member) }),
      handle: async ({ params }) => ({ members: await listMembers(db, await findWorkspace(db, params.name)) }),
    }),
    route({
      method: 'PUT',
      path: '/v1/workspaces/{name}/members/{user}',
      id: 'setMember',
      summary: 'Changing members',
      access: 'manageWorkspace',
      params: membership,
      body: z.object({ role: z.enum(workspaceRoles) }),
      answer: z.object({ member }),
      handle: async ({ params, body, caller, trace }) => {
        await transaction(db, async (trx) => {
          const space = await findWorkspace(trx, params.name);
          requireRight(caller, 'manageWorkspace', 'Changing members', { creatorId: null, workspaceId: space.id });
          const of = await findUser(trx, params.user);
          const old = await setMember(trx, space.id, of.id, body.role);
          await audit(trx, {
            caller,
            trace,
            action: 'member.set',
            subject: `${params.name}/${params.user}`,
            ...(old !== undefined && { old: { role: old } }),
            new: { role: body.role },
          });
        });
        return { member: { user: params.user, role: body.role } };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/workspaces/{name}/members/{user}',
      id: 'removeMember',
      summary: 'Changing members',
      access: 'manageWorkspace',
      params: membership,
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await transaction(db, async (trx) => {
          const space = await findWorkspace(trx, params.name);
          requireRight(caller, 'manageWorkspace', 'Changing members', { creatorId: null, workspaceId: space.id });
          const of = await findUser(trx, params.user);
          await removeMember(trx, space.id, of.id);
          await audit(trx, { caller, trace, action: 'member.remove', subject: `${params.name}/${params.user}` });
        });
        return {};
      },
    }),
    route({
      method: 'GET',
      path: '/v1/workspaces/{name}/api-tokens',
      id: 'listWorkspaceApiTokens',
      summary: 'Listing the API tokens of a workspace',
      access: 'manageWorkspace',
      params: named,
      answer: z.object({ tokens: z.array(token) }),
      handle: async ({ params, caller }) => {
        const space = await findWorkspace(db, params.name);
        requireRight(caller, 'manageWorkspace', 'Listing the API tokens of a workspace', {
          creatorId: null,
          workspaceId: space.id,
        });
        return { tokens: await listTokens(db, { workspaceId: space.id }) };
      },
    }),
  ];
}
