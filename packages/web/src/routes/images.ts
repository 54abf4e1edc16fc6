import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { imageQuery } from '../api/image-queries.ts';
import type { Search } from '../shell/search.ts';
import { shellRoute } from './root.ts';

const imageRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/images/$name',
  loader: ({ context: { queryClient }, params }) => queryClient.ensureQueryData(imageQuery(params.name)),
  component: lazyRouteComponent(() => import('../image/image.tsx'), 'Image'),
});

const inImage = <Path extends string, Component extends string>(
  path: Path,
  load: () => Promise<Record<Component, () => ReactNode>>,
  name: Component,
) =>
  createRoute({
    getParentRoute: () => imageRoute,
    path,
    validateSearch: versionOf,
    component: lazyRouteComponent(load, name),
  });

/** Views of an image show the version that is in use, unless their address names another. */
function versionOf(search: Search): { version?: number } {
  const version = Number(search['version']);
  return Number.isSafeInteger(version) && version > 0 ? { version } : {};
}

const packagesRoute = inImage('/', () => import('../image/packages.tsx'), 'Packages');
const useRoute = inImage('/use', () => import('../image/guide.tsx'), 'Guide');
const versionsRoute = inImage('/versions', () => import('../image/versions.tsx'), 'Versions');
const alterationRoute = inImage('/alter', () => import('../image/alteration.tsx'), 'Alteration');
const logRoute = inImage('/build', () => import('../image/build-log.tsx'), 'BuildLog');
const probeRoute = inImage('/probe', () => import('../image/probe.tsx'), 'Probe');
const layersRoute = inImage('/layers', () => import('../image/layers.tsx'), 'Layers');
const usageRoute = inImage('/usage', () => import('../image/usage.tsx'), 'Usage');

const creationRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/create-image',
  component: lazyRouteComponent(() => import('../creation/creation.tsx'), 'Creation'),
});

/** Images, whichever workspace one comes from. */
export const imageRoutes = [
  imageRoute.addChildren([
    packagesRoute,
    useRoute,
    versionsRoute,
    alterationRoute,
    logRoute,
    probeRoute,
    layersRoute,
    usageRoute,
  ]),
  creationRoute,
] as const;
