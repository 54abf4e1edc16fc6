import { createRoute, redirect } from '@tanstack/react-router';
import { workspacesQuery } from '../api/queries.ts';
import { imageFilterOf } from '../managed-images/image-filter.ts';
import { lazyView } from './lazy-view.ts';
import { shellRoute } from './root.ts';

const workspacesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/workspaces',
  loader: ({ context: { queryClient } }) => queryClient.ensureQueryData(workspacesQuery),
  component: lazyView(() => import('../workspaces/workspaces.tsx'), 'Workspaces'),
});

const summaryRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/workspaces/$workspace',
  loader: ({ context: { queryClient } }) => queryClient.ensureQueryData(workspacesQuery),
  component: lazyView(() => import('../workspaces/summary.tsx'), 'Summary'),
});

const settingsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/workspaces/$workspace/settings',
  loader: ({ context: { queryClient } }) => queryClient.ensureQueryData(workspacesQuery),
  component: lazyView(() => import('../workspaces/settings/settings.tsx'), 'Settings'),
});

const settingsIndexRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/workspaces/$workspace/settings/general', params, replace: true });
  },
});

const generalRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: '/general',
  component: lazyView(() => import('../workspaces/settings/general.tsx'), 'General'),
});

const membersRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: '/members',
  component: lazyView(() => import('../workspaces/settings/members.tsx'), 'Members'),
});

const tokensRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: '/api-access-tokens',
  component: lazyView(() => import('../workspaces/settings/tokens.tsx'), 'Tokens'),
});

const managedImagesRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: '/managed-images',
  validateSearch: imageFilterOf,
  component: lazyView(() => import('../managed-images/managed-images.tsx'), 'ManagedImages'),
});

/** Workspaces, and the settings of each. */
export const workspaceRoutes = [
  workspacesRoute,
  summaryRoute,
  settingsRoute.addChildren([settingsIndexRoute, generalRoute, membersRoute, tokensRoute, managedImagesRoute]),
] as const;
