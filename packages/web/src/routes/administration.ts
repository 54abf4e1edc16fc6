import { createRoute, redirect } from '@tanstack/react-router';
import { auditFilterOf } from '../administration/audit-filter.ts';
import { workspacesQuery } from '../api/queries.ts';
import { type Search, textOf } from '../shell/search.ts';
import { lazyView } from './lazy-view.ts';
import { shellRoute } from './root.ts';

const administrationRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/administration',
  component: lazyView(() => import('../administration/administration.tsx'), 'Administration'),
});

const indexRoute = createRoute({
  getParentRoute: () => administrationRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/administration/updates', replace: true });
  },
});

const updatesRoute = createRoute({
  getParentRoute: () => administrationRoute,
  path: '/updates',
  component: lazyView(() => import('../administration/updates.tsx'), 'Updates'),
});

const basesRoute = createRoute({
  getParentRoute: () => administrationRoute,
  path: '/bases',
  component: lazyView(() => import('../administration/bases.tsx'), 'Bases'),
});

const peopleRoute = createRoute({
  getParentRoute: () => administrationRoute,
  path: '/people',
  component: lazyView(() => import('../administration/people.tsx'), 'People'),
});

const workspacesRoute = createRoute({
  getParentRoute: () => administrationRoute,
  path: '/workspaces',
  loader: ({ context: { queryClient } }) => queryClient.ensureQueryData(workspacesQuery),
  component: lazyView(() => import('../administration/workspaces.tsx'), 'AllWorkspaces'),
});

const tokensRoute = createRoute({
  getParentRoute: () => administrationRoute,
  path: '/tokens',
  loader: ({ context: { queryClient } }) => queryClient.ensureQueryData(workspacesQuery),
  component: lazyView(() => import('../administration/tokens.tsx'), 'AllTokens'),
});

const storageRoute = createRoute({
  getParentRoute: () => administrationRoute,
  path: '/storage',
  validateSearch: (search: Search): { unused?: number | 'never' } => {
    if (search['unused'] === 'never') return { unused: 'never' };
    // Typed by hand it is a text; given by a link it is a number.
    const days = Number(textOf(search, 'unused') ?? search['unused']);
    return Number.isSafeInteger(days) && days > 0 ? { unused: days } : {};
  },
  component: lazyView(() => import('../administration/storage.tsx'), 'Storage'),
});

const removedImagesRoute = createRoute({
  getParentRoute: () => administrationRoute,
  path: '/removed-images',
  component: lazyView(() => import('../administration/removed-images.tsx'), 'RemovedImages'),
});

const settingsRoute = createRoute({
  getParentRoute: () => administrationRoute,
  path: '/settings',
  component: lazyView(() => import('../administration/settings-in-effect.tsx'), 'SettingsInEffect'),
});

const auditRoute = createRoute({
  getParentRoute: () => administrationRoute,
  path: '/audit',
  validateSearch: auditFilterOf,
  component: lazyView(() => import('../administration/audit.tsx'), 'Audit'),
});

/** What administrators of the organization see. */
export const administrationRoutes = [
  administrationRoute.addChildren([
    indexRoute,
    updatesRoute,
    basesRoute,
    workspacesRoute,
    peopleRoute,
    tokensRoute,
    storageRoute,
    removedImagesRoute,
    settingsRoute,
    auditRoute,
  ]),
] as const;
