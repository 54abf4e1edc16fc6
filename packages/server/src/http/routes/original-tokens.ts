import { z } from 'zod';
import { makeToken } from '../../accounts/token-changes.ts';
import { type ApiToken, listTokens, tokenDays } from '../../accounts/tokens.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';
import { revocationRoute } from './tokens.ts';

const route = routesOf('accounts');
const kind = 'TOKEN_TYPE_USER';

/** The original's ids are opaque texts in an object; the id of a workspace is its name. */
const identifier = z.object({ uuid: z.string() });

/**
 * API tokens as the original's clients make, list and revoke them. The words of these paths come before the names of accounts at
 * the same place, so no account may have them: see {@link createUser}.
 */
export function originalTokenRoutes({ db }: InstanceContext): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/users/api-tokens',
      id: 'createOriginalApiToken',
      holdsSecret: true,
      summary: 'Make an API token, as clients of the original do',
      access: 'own',
      isOriginal: true,
      body: z.object({
        name: z.string().min(1).max(128),
        workspaceId: identifier.nullish(),
        tokenType: z.enum([kind, 'TOKEN_TYPE_UNSPECIFIED']).nullish(),
        expiryDays: z.int().min(0).max(tokenDays).nullish(),
      }),
      answer: z.object({ id: identifier, fullApiToken: z.string() }),
      handle: async ({ body, caller, trace }) => {
        const { workspaceId, expiryDays } = body;
        // Zero is how the original's wire format writes a number that was not given.
        const wanted = { name: body.name, workspace: workspaceId?.uuid || undefined, days: expiryDays || undefined };
        const { token, secret } = await makeToken(db, caller, wanted, trace);
        return { id: { uuid: token.id }, fullApiToken: secret };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/users/api-tokens',
      id: 'listOriginalApiTokens',
      summary: 'List one’s API tokens, as clients of the original do',
      access: 'own',
      isOriginal: true,
      query: z.object({ 'workspaceId.uuid': z.string().optional() }),
      answer: z.object({
        apiTokenInfos: z.array(
          z.object({
            id: identifier,
            name: z.string(),
            creationTime: z.string(),
            expirationTime: z.string(),
            workspaceId: identifier,
            userId: z.string(),
            tokenType: z.literal(kind),
          }),
        ),
        nextPageToken: z.string(),
        hasMore: z.boolean(),
      }),
      handle: async ({ query, caller }) => {
        const workspace = query['workspaceId.uuid'] || undefined;
        const tokens = await listTokens(db, { userId: caller.userId });
        // An account has so few of them that there is one page.
        return {
          apiTokenInfos: tokens.filter((one) => workspace === undefined || one.workspace === workspace).map(shown),
          nextPageToken: '',
          hasMore: false,
        };
      },
    }),
    revocationRoute(db, {
      path: '/v1/users/api-tokens/{id}',
      id: 'deleteOriginalApiToken',
      summary: 'Revoke an API token, as clients of the original do',
      isOriginal: true,
    }),
  ];
}

function shown({ id, name, user, workspace, createdAt, expiresAt }: ApiToken) {
  return {
    id: { uuid: id },
    name,
    creationTime: createdAt,
    expirationTime: expiresAt,
    workspaceId: { uuid: workspace },
    userId: user,
    tokenType: kind,
  } as const;
}
