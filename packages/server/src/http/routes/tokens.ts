import { z } from 'zod';
import { requireRight } from '../../access/rights.ts';
import { makeToken, revokeToken } from '../../accounts/token-changes.ts';
import { listTokens, tokenDays } from '../../accounts/tokens.ts';
import type { Db, InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';

const route = routesOf('accounts');

export const token = z
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

/** API tokens: one's own, and everybody's for administrators. */
export function tokenRoutes({ db }: InstanceContext): Route[] {
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
        return { tokens: await listTokens(db, query.all === 'true' ? {} : { userId: caller.userId }) };
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
    revocationRoute(db, {
      path: '/v1/api-tokens/{id}',
      id: 'deleteApiToken',
      summary: 'Revoke an API token',
      isOriginal: false,
    }),
  ];
}

/** Revoking a token is the same work wherever clients look for it. */
export function revocationRoute(db: Db, place: Pick<Route, 'path' | 'id' | 'summary' | 'isOriginal'>): Route {
  return route({
    ...place,
    method: 'DELETE',
    access: 'own',
    params: z.object({ id: z.string() }),
    answer: z.object({}),
    handle: async ({ params, caller, trace }) => {
      await revokeToken(db, caller, params.id, trace);
      return {};
    },
  });
}
