import type { OrganizationRole, WorkspaceRole } from '@mir/core';

/** Who asks: an account, through a token or a session. */
export type Caller = {
  readonly userId: number;
  readonly name: string;
  readonly role: OrganizationRole;
  /** The workspace that the token is for; of a session, the first one of the account. */
  readonly workspace: { readonly id: number; readonly name: string } | undefined;
  /** The account's roles by workspace id. */
  readonly workspaceRoles: ReadonlyMap<number, WorkspaceRole>;
  readonly tokenId: string | undefined;
  /** What is kept of the session that a browser signed in for; nothing but the database has a use for it. */
  readonly sessionHash: Buffer | undefined;
};

/** What is known of a request besides its content; goes into logs, the audit log and the work that follows. */
export type Trace = { readonly requestId: string; readonly address: string | undefined };
