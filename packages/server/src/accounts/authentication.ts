import { isFault, type OrganizationRole, type WorkspaceRole } from '@mir/core';
import type { FastifyRequest } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import { serverFault } from '../fault.ts';
import type { Db } from '../instance-context.ts';
import { hashSecret } from './secret.ts';

/** The cookie of a signed-in browser. */
export const sessionCookie = 'mir_session';

type AccountRow = {
  readonly user_id: number;
  readonly name: string;
  readonly role: OrganizationRole;
  readonly workspace_id: number | null;
  readonly workspace_name: string | null;
  readonly roles: readonly { readonly id: number; readonly role: WorkspaceRole }[] | null;
  readonly token_id: string | null;
};

/**
 * Who sends a request: the API key's owner (`rime-api-key`, or `Authorization: Bearer`), or whoever signed in in this browser.
 *
 * @throws Fault `access/unauthenticated`; `access/cross-site` where a page of another site sends the browser's cookie
 */
export async function authenticate(db: Db, request: FastifyRequest): Promise<Caller> {
  const key = apiKeyOf(request);
  if (key !== undefined) return callerOfToken(db, key);
  const session = sessionOf(request);
  if (session === undefined) {
    throw unauthenticated('No API key came with the request', 'Send it in the header rime-api-key, or sign in.');
  }
  refuseOtherSites(request);
  return callerOfSession(db, session);
}

/** The account behind an API key, as it is now. @throws Fault `access/unauthenticated` */
async function callerOfToken(db: Db, secret: string): Promise<Caller> {
  const { rows } = await sql<AccountRow>`
    with token as (
      select id, user_id, workspace_id, last_used_at from api_tokens
      where hash = ${hashSecret(secret)} and revoked_at is null and expires_at > now()
    ), used as (
      update api_tokens set last_used_at = now() from token
      where api_tokens.id = token.id and (token.last_used_at is null or token.last_used_at < now() - interval '1 minute')
    )
    select users.id as user_id, users.name, users.role, token.workspace_id, workspaces.name as workspace_name,
      token.id as token_id, ${rolesOfUser(sql`and members.workspace_id = token.workspace_id`)} as roles
    from token join users on users.id = token.user_id join workspaces on workspaces.id = token.workspace_id
    where users.is_active`.execute(db);
  const [row] = rows;
  if (row === undefined) {
    throw unauthenticated(
      'The API key is unknown, revoked or expired',
      'Make a new one, or ask an administrator for one.',
    );
  }
  return callerOf(row, undefined);
}

/** The owner of an API key that came as a password, under whatever user name; undefined when it is none. */
export async function callerOfPassword(db: Db, secret: string): Promise<Caller | undefined> {
  try {
    return await callerOfToken(db, secret);
  } catch (thrown) {
    if (isFault(thrown, 'access/unauthenticated')) return undefined;
    throw thrown;
  }
}

async function callerOfSession(db: Db, secret: string): Promise<Caller> {
  const hash = hashSecret(secret);
  const { rows } = await sql<AccountRow>`
    select users.id as user_id, users.name, users.role, first.id as workspace_id, first.name as workspace_name,
      null as token_id, ${rolesOfUser(sql``)} as roles
    from sessions join users on users.id = sessions.user_id
    left join lateral (
      select workspaces.id, workspaces.name from members join workspaces on workspaces.id = members.workspace_id
      where members.user_id = users.id order by workspaces.id limit 1
    ) as first on true
    where sessions.hash = ${hash} and sessions.expires_at > now() and users.is_active`.execute(db);
  const [row] = rows;
  if (row === undefined) throw unauthenticated('You are signed out', 'Sign in again.');
  return callerOf(row, hash);
}

/** A token acts in its workspace; whoever has signed in acts in all of theirs. */
const rolesOfUser = (restriction: RawBuilder<unknown>) => sql`(
  select json_agg(json_build_object('id', members.workspace_id, 'role', members.role)) from members
  where members.user_id = users.id ${restriction}
)`;

function callerOf(row: AccountRow, sessionHash: Buffer | undefined): Caller {
  return {
    userId: row.user_id,
    name: row.name,
    role: row.role,
    workspace:
      row.workspace_id === null || row.workspace_name === null
        ? undefined
        : { id: row.workspace_id, name: row.workspace_name },
    workspaceRoles: new Map((row.roles ?? []).map(({ id, role }) => [id, role])),
    tokenId: row.token_id ?? undefined,
    sessionHash,
  };
}

/** Whether a request says who sends it, be that true or not. */
export function namesCaller(request: FastifyRequest): boolean {
  return apiKeyOf(request) !== undefined || sessionOf(request) !== undefined;
}

function sessionOf({ cookies }: FastifyRequest): string | undefined {
  return cookies[sessionCookie] || undefined;
}

function apiKeyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['rime-api-key'];
  if (typeof key === 'string' && key !== '') return key;
  return /^bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/**
 * Refuses what a page of another site has a browser send, for requests that need no account: a browser that was signed in by somebody else would go
 * on working in their name. Programs send neither header.
 *
 * @throws Fault `access/cross-site`
 */
export function refuseStrangersPages(request: FastifyRequest): void {
  const { headers } = request;
  if (headers['sec-fetch-site'] !== undefined || headers.origin !== undefined) refuseOtherSites(request);
}

/** A cookie comes along with whatever page makes the browser send a request; only our own pages may have it do so. */
function refuseOtherSites({ headers, method }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return;
  const site = headers['sec-fetch-site'];
  const isOurs =
    site !== undefined
      ? site === 'same-origin' || site === 'none'
      : headers.origin !== undefined && URL.parse(headers.origin)?.host === headers.host;
  if (isOurs) return;
  throw serverFault('access/cross-site', {
    what: 'The request comes from a page of another site',
    hint: 'Use the pages of this instance, or an API key.',
  });
}

function unauthenticated(what: string, hint: string) {
  return serverFault('access/unauthenticated', { what, hint });
}
