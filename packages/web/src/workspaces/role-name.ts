import type { Member } from '../api/types.ts';

const names = { admin: 'Administrator', vp: 'VP', member: 'Member', viewer: 'Viewer' } as const;

/** Roles in a workspace, the one with the most rights first. */
export const workspaceRoles = ['admin', 'vp', 'member', 'viewer'] as const;

/** What a role in a workspace is called. */
export function roleName(role: Member['role']): string {
  return names[role];
}
