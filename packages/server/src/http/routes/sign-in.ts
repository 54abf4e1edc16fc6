import { workspaceRoles } from '@mir/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { sessionCookie } from '../../accounts/authentication.ts';
import { openSetUp, setUp } from '../../accounts/set-up.ts';
import { sessionHours, signIn, signOut } from '../../accounts/sign-in.ts';
import { findUser, shownUser } from '../../accounts/users.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';
import { password, user } from './users.ts';

const route = routesOf('accounts');
const bindingCookie = 'mir_setup';

/** Signing in and out, the one-time set-up link, and who is asking. */
export function signInRoutes({ db }: InstanceContext): Route[] {
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
