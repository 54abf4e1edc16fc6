import { organizationRoles, workspaceRoles } from '@mir/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { requireRight } from '../../access/rights.ts';
import { sessionCookie } from '../../accounts/authentication.ts';
import { openSetUp, setUp } from '../../accounts/set-up.ts';
import { sessionHours, signIn, signOut } from '../../accounts/sign-in.ts';
import { makeToken, revokeToken } from '../../accounts/token-changes.ts';
import { listTokens, tokenDays } from '../../accounts/tokens.ts';
import { checkedHash, createUser, findUser, requireAdministrator, shownUser } from '../../accounts/users.ts';
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

const route = routesOf('accounts');
const bindingCookie = 'mir_setup';

const user = z
  .object({
    name: z.string(),
    role: z.enum(organizationRoles),
    isActive: z.boolean(),
    hasPassword: z.boolean(),
    createdAt: z.string(),
  })
  .meta({ id: 'User' });
const token = z
  .object({
    id: z.string(),
    name: z.string(),
    user: z.string(),
    workspace: z.string(),
    createdAt: z.string(),
    expiresAt: z.string(),
    lastUsedAt: z.string().nullable(),
  })
  .meta({ id: 'ApiToken' });
const workspace = z.object({ name: z.string(), createdAt: z.string(), members: z.number() }).meta({ id: 'Workspace' });
const member = z.object({ user: z.string(), role: z.enum(workspaceRoles) }).meta({ id: 'Member' });
const named = z.object({ name: z.string() });
const password = z.string().max(1024);

/** Accounts, workspaces, tokens, and signing in. */
export function accountRoutes(context: InstanceContext): Route[] {
  const { db } = context;
  return [
    route({
      method: 'POST',
      path: '/v1/sign-in',
      id: 'signIn',
      summary: 'Sign in with a password',
      access: 'public',
      body: z.object({ name: z.string().max(256), password }),
      answer: z.object({ user }),
      handle: async ({ body, trace, request, reply }) => {
        setCookie(request, reply, sessionCookie, await signIn(db, body.name, body.password, trace));
        return { user: shownUser(await findUser(db, body.name.toLowerCase())) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/sign-out',
      id: 'signOut',
      summary: 'Sign out',
      access: 'own',
      answer: z.object({}),
      handle: async ({ caller, trace, request, reply }) => {
        const secret = request.cookies[sessionCookie];
        if (secret !== undefined) await signOut(db, secret, caller, trace);
        reply.clearCookie(sessionCookie, { path: '/' });
        return {};
      },
    }),
    route({
      method: 'POST',
      path: '/v1/set-up/open',
      id: 'openSetUp',
      summary: 'Open the one-time set-up link in this browser',
      access: 'public',
      body: z.object({ code: z.string().max(256) }),
      answer: z.object({ user: z.string() }),
      handle: async ({ body, request, reply }) => {
        setCookie(request, reply, bindingCookie, await openSetUp(db, body.code, request.cookies[bindingCookie]));
        return { user: 'admin' };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/set-up',
      id: 'setUp',
      summary: "Choose the administrator's password by the one-time set-up link",
      access: 'public',
      body: z.object({ code: z.string().max(256), password }),
      answer: z.object({ user }),
      handle: async ({ body, trace, request, reply }) => {
        const session = await setUp(db, body.code, body.password, request.cookies[bindingCookie], trace);
        setCookie(request, reply, sessionCookie, session);
        return { user: shownUser(await findUser(db, 'admin')) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/me',
      id: 'getMe',
      summary: 'Who is asking',
      access: 'own',
      answer: z.object({
        user,
        workspace: z.string().nullable(),
        workspaces: z.array(z.object({ name: z.string(), role: z.enum(workspaceRoles) })),
      }),
      handle: async ({ caller }) => ({
        user: shownUser(await findUser(db, caller.name)),
        workspace: caller.workspace?.name ?? null,
        workspaces: await db
          .selectFrom('members')
          .innerJoin('workspaces', 'workspaces.id', 'members.workspace_id')
          .where('members.user_id', '=', caller.userId)
          .orderBy('workspaces.name')
          .select(['workspaces.name', 'members.role'])
          .execute(),
      }),
    }),
    ...userRoutes(context),
    ...workspaceRoutes(context),
    ...tokenRoutes(context),
  ];
}

function userRoutes({ db }: InstanceContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/users',
      id: 'listUsers',
      summary: 'Listing accounts',
      access: 'administer',
      answer: z.object({ users: z.array(user) }),
      handle: async () => ({
        users: (await db.selectFrom('users').orderBy('name').selectAll().execute()).map(shownUser),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/users',
      id: 'createUser',
      summary: 'Making an account',
      access: 'administer',
      body: z.object({
        name: z.string(),
        role: z.enum(organizationRoles).default('member'),
        password: password.nullish(),
      }),
      answer: z.object({ user }),
      handle: async ({ body, caller, trace }) => {
        const name = body.name.toLowerCase();
        await transaction(db, async (trx) => {
          await createUser(trx, { name, role: body.role, ...(body.password != null && { password: body.password }) });
          await audit(trx, { caller, trace, action: 'user.create', subject: name, new: { role: body.role } });
        });
        return { user: shownUser(await findUser(db, name)) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/users/{name}',
      id: 'getUser',
      summary: 'Looking at an account',
      access: 'administer',
      params: named,
      answer: z.object({ user }),
      handle: async ({ params }) => ({ user: shownUser(await findUser(db, params.name)) }),
    }),
    route({
      method: 'PATCH',
      path: '/v1/users/{name}',
      id: 'alterUser',
      summary: 'Altering an account',
      access: 'administer',
      params: named,
      body: z.object({
        role: z.enum(organizationRoles).optional(),
        isActive: z.boolean().optional(),
        password: password.optional(),
      }),
      answer: z.object({ user }),
      handle: async ({ params, body, caller, trace }) => {
        const hash = body.password === undefined ? undefined : await checkedHash(body.password);
        await transaction(db, async (trx) => {
          const old = await findUser(trx, params.name);
          await trx
            .updateTable('users')
            .set({
              role: body.role ?? old.role,
              is_active: body.isActive ?? old.is_active,
              ...(hash !== undefined && { password_hash: hash }),
            })
            .where('id', '=', old.id)
            .execute();
          // Whoever knew the old password, or was let in before, is out.
          if (hash !== undefined || body.isActive === false)
            await trx.deleteFrom('sessions').where('user_id', '=', old.id).execute();
          await requireAdministrator(trx);
          await audit(trx, {
            caller,
            trace,
            action: 'user.alter',
            subject: params.name,
            old: { role: old.role, isActive: old.is_active },
            new: {
              role: body.role ?? old.role,
              isActive: body.isActive ?? old.is_active,
              password: hash !== undefined,
            },
          });
        });
        return { user: shownUser(await findUser(db, params.name)) };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/users/{name}',
      id: 'deleteUser',
      summary: 'Deleting an account',
      access: 'administer',
      params: named,
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await transaction(db, async (trx) => {
          const old = await findUser(trx, params.name);
          await trx.deleteFrom('users').where('id', '=', old.id).execute();
          await requireAdministrator(trx);
          await audit(trx, { caller, trace, action: 'user.delete', subject: params.name, old: { role: old.role } });
        });
        return {};
      },
    }),
  ];
}

function workspaceRoutes({ db }: InstanceContext): Route[] {
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
  ];
}

function tokenRoutes({ db }: InstanceContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/api-tokens',
      id: 'listApiTokens',
      summary: 'List API tokens: one’s own, or everybody’s',
      access: 'own',
      query: z.object({ all: z.enum(['true', 'false']).optional() }),
      answer: z.object({ tokens: z.array(token) }),
      handle: async ({ query, caller }) => {
        if (query.all === 'true') requireRight(caller, 'administer', "Everybody's tokens");
        return { tokens: await listTokens(db, query.all === 'true' ? undefined : caller.userId) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/api-tokens',
      id: 'createApiToken',
      holdsSecret: true,
      summary: 'Make an API token',
      access: 'own',
      body: z.object({
        name: z.string().max(128).optional(),
        user: z.string().optional(),
        workspace: z.string().optional(),
        expiresInDays: z.int().min(1).max(tokenDays).optional(),
      }),
      answer: z.object({ token, secret: z.string() }),
      handle: async ({ body, caller, trace }) => {
        const { user: of, workspace, expiresInDays } = body;
        return makeToken(db, caller, { name: body.name ?? 'token', user: of, workspace, days: expiresInDays }, trace);
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/api-tokens/{id}',
      id: 'deleteApiToken',
      summary: 'Revoke an API token',
      access: 'own',
      params: z.object({ id: z.string() }),
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await revokeToken(db, caller, params.id, trace);
        return {};
      },
    }),
  ];
}

function setCookie(request: FastifyRequest, reply: FastifyReply, name: string, secret: string): void {
  reply.setCookie(name, secret, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: request.protocol === 'https',
    maxAge: sessionHours * 3600,
  });
}
