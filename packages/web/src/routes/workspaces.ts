import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { workspacesQuery } from '../api/queries.ts';
import { shellRoute } from './root.ts';

const workspacesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/workspaces',
  loader: ({ context: { queryClient } }) => queryClient.ensureQueryData(workspacesQuery),
  component: lazyRouteComponent(() => import('../workspaces/workspaces.tsx'), 'Workspaces'),
});

const summaryRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/workspaces/$workspace',
  component: lazyRouteComponent(() => import('../workspaces/summary.tsx'), 'Summary'),
});

const settingsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/workspaces/$workspace/settings',
  component: lazyRouteComponent(() => import('../workspaces/settings/settings.tsx'), 'Settings'),
});

/** Workspaces, and the settings of each. */
export const workspaceRoutes = [workspacesRoute, summaryRoute, settingsRoute] as const;
