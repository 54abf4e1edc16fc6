import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { imageQuery } from '../api/image-queries.ts';
import { shellRoute } from './root.ts';

const imageRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/images/$name',
  loader: ({ context: { queryClient }, params }) => queryClient.ensureQueryData(imageQuery(params.name)),
  component: lazyRouteComponent(() => import('../image/image.tsx'), 'Image'),
});

const creationRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/create-image',
  component: lazyRouteComponent(() => import('../creation/creation.tsx'), 'Creation'),
});

/** Images, whichever workspace one comes from. */
export const imageRoutes = [imageRoute, creationRoute] as const;
