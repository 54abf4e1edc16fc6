/** Roles in the organization. Support has an administrator's rights and can be revoked. */
export const organizationRoles = ['admin', 'support', 'member'] as const;

/** A role in the organization. */
export type OrganizationRole = (typeof organizationRoles)[number];

/** Roles in a workspace. */
export const workspaceRoles = ['admin', 'vp', 'member', 'viewer'] as const;

/** A role in a workspace. */
export type WorkspaceRole = (typeof workspaceRoles)[number];
