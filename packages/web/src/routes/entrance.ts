import { createRoute, redirect } from '@tanstack/react-router';
import { type Search, textOf } from '../shell/search.ts';
import { lazyView } from './lazy-view.ts';
import { rootRoute } from './root.ts';

const indexRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/workspaces', replace: true });
  },
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: (search: Search): { next?: string } => {
    const next = textOf(search, 'next');
    // Only back to a view of this application, never to another site.
    return next !== undefined && /^\/(?![/\\])/.test(next) ? { next } : {};
  },
  component: lazyView(() => import('../entrance/sign-in.tsx'), 'SignIn'),
});

const setUpRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/set-up',
  component: lazyView(() => import('../entrance/set-up.tsx'), 'SetUp'),
});

/** Where people come in. */
export const entranceRoutes = [indexRoute, signInRoute, setUpRoute] as const;
