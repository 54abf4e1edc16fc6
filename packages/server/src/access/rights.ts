import { type ServerFault, serverFault } from '../fault.ts';
import type { Caller } from './caller.ts';

/** Who made an image, and where; undefined once that account or workspace is gone. */
export type Ownership = { readonly creatorId: number | null; readonly workspaceId: number | null };

type Rule = {
  /** For the message to those who may not. */
  readonly who: string;
  readonly may: (caller: Caller, owned?: Ownership) => boolean;
};

/**
 * Every right of the instance and who has it. This table is the only place that decides; routes and services name a right.
 * A right on something that is owned counts for the owner as well; asked without the thing, it tells who could have it at all.
 */
const rights = {
  /** See images, versions, plans, logs; match; diff. */
  see: { who: 'accounts', may: () => true },
  /** Plan and create images; say that a run uses one. */
  create: { who: 'accounts', may: () => true },
  /** Alter, cancel, roll back, rebase one image. */
  change: {
    who: 'its creator, administrators of the workspace it was created from, and organization administrators',
    may: (caller, owned) =>
      isAdministrator(caller) ||
      owned === undefined ||
      owned.creatorId === caller.userId ||
      (owned.workspaceId !== null && caller.workspaceRoles.get(owned.workspaceId) === 'admin'),
  },
  /** Run tests in the workspace that one acts in. */
  run: {
    who: 'members, VPs and administrators of the workspace, and organization administrators',
    may: (caller) => isAdministrator(caller) || runsTests(caller, caller.workspace?.id),
  },
  /** See test runs of a workspace, with their files and logs. */
  seeRuns: {
    who: 'members of the workspace and organization administrators',
    may: (caller, owned) =>
      isAdministrator(caller) ||
      owned === undefined ||
      owned.creatorId === caller.userId ||
      (owned.workspaceId !== null && caller.workspaceRoles.has(owned.workspaceId)),
  },
  /** Remove and restore images. */
  remove: { who: 'organization administrators', may: isAdministrator },
  /** Bases, image types, platform release, settings, audit, accounts, everybody's tokens. */
  administer: { who: 'organization administrators', may: isAdministrator },
  /** Members and tokens of a workspace. */
  manageWorkspace: {
    who: 'administrators of the workspace and organization administrators',
    may: (caller, owned) =>
      isAdministrator(caller) ||
      (owned === undefined
        ? [...caller.workspaceRoles.values()].includes('admin')
        : owned.workspaceId !== null && caller.workspaceRoles.get(owned.workspaceId) === 'admin'),
  },
  /** One's own session, tokens and facts. */
  own: { who: 'accounts', may: () => true },
} as const satisfies Readonly<Record<string, Rule>>;

/** The name of a right. */
export type Right = keyof typeof rights;

/** Whether a caller has a right. */
export function has(caller: Caller, right: Right, owned?: Ownership): boolean {
  const rule: Rule = rights[right];
  return rule.may(caller, owned);
}

/** Refuses a caller without a right. @throws Fault `access/forbidden` */
export function requireRight(caller: Caller, right: Right, what: string, owned?: Ownership): void {
  if (!has(caller, right, owned)) throw forbidden(right, what);
}

function forbidden(right: Right, what: string): ServerFault {
  return serverFault('access/forbidden', {
    what: `${what} is for ${rights[right].who}`,
    hint: 'Ask one of them, or use a token of such an account.',
  });
}

function runsTests(caller: Caller, workspaceId: number | undefined): boolean {
  const role = workspaceId === undefined ? undefined : caller.workspaceRoles.get(workspaceId);
  return role !== undefined && role !== 'viewer';
}

function isAdministrator({ role }: Caller): boolean {
  return role === 'admin' || role === 'support';
}
