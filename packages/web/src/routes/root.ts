import type { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, redirect } from '@tanstack/react-router';
import { isApiFault } from '../api/fault.ts';
import { meQuery } from '../api/queries.ts';
import { lazyView } from './lazy-view.ts';

/** The root of all views. */
export const rootRoute = createRootRouteWithContext<{ readonly queryClient: QueryClient }>()();

/** Around every view that needs an account: whoever has not signed in does so first, and then gets where they wanted to. */
export const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  beforeLoad: async ({ context: { queryClient }, location }) => {
    try {
      await queryClient.ensureQueryData(meQuery);
    } catch (thrown) {
      if (!isApiFault(thrown, 'access/unauthenticated')) throw thrown;
      throw redirect({ to: '/sign-in', search: location.pathname === '/' ? {} : { next: location.href } });
    }
  },
  component: lazyView(() => import('../shell/shell.tsx'), 'Shell'),
});
