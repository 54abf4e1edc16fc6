import { createRoute } from '@tanstack/react-router';
import { runQuery } from '../api/run-queries.ts';
import { oneOf, type Search } from '../shell/search.ts';
import { lazyView } from './lazy-view.ts';
import { shellRoute } from './root.ts';

const jobsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/jobs',
  validateSearch: (search: Search): { kind?: 'runs' } => {
    const kind = oneOf(search, 'kind', ['runs']);
    return kind === undefined ? {} : { kind };
  },
  component: lazyView(() => import('../jobs/jobs.tsx'), 'Jobs'),
});

const testRunRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/test-runs/$id',
  loader: ({ context: { queryClient }, params }) => queryClient.ensureQueryData(runQuery(params.id)),
  component: lazyView(() => import('../jobs/test-run.tsx'), 'TestRun'),
});

/** What the instance does. */
export const jobRoutes = [jobsRoute, testRunRoute] as const;
