import type { QueryClient } from '@tanstack/react-query';
import { createRouter } from '@tanstack/react-router';
import { focusHeading } from './parts/heading.tsx';
import { administrationRoutes } from './routes/administration.ts';
import { entranceRoutes } from './routes/entrance.ts';
import { imageRoutes } from './routes/images.ts';
import { jobRoutes } from './routes/jobs.ts';
import { rootRoute, shellRoute } from './routes/root.ts';
import { workspaceRoutes } from './routes/workspaces.ts';
import { parseSearch, stringifySearch } from './shell/search.ts';
import { UnknownView, ViewFault } from './shell/view-fault.tsx';
import { ViewPending } from './shell/view-pending.tsx';

const tree = rootRoute.addChildren([
  ...entranceRoutes,
  shellRoute.addChildren([...workspaceRoutes, ...imageRoutes, ...jobRoutes, ...administrationRoutes]),
]);

/** The addresses of all views. */
export function createViewRouter(queryClient: QueryClient) {
  const router = createRouter({
    routeTree: tree,
    context: { queryClient },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    // What is known is kept by the query client.
    defaultPreloadStaleTime: 0,
    defaultPendingMs: 300,
    defaultErrorComponent: ViewFault,
    defaultNotFoundComponent: UnknownView,
    defaultPendingComponent: ViewPending,
    // The list of images finds the place where somebody was by itself: it may be far down among rows that are yet to come.
    scrollRestoration: ({ location }) => !location.pathname.endsWith('/managed-images'),
    scrollToTopSelectors: ['#view'],
  });
  router.subscribe('onRendered', ({ fromLocation, pathChanged }) => {
    if (fromLocation !== undefined && pathChanged) focusHeading();
  });
  return router;
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createViewRouter>;
  }
}
