import { createRoute } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { imageQuery } from '../api/image-queries.ts';
import { type Search, textOf } from '../shell/search.ts';
import { lazyView } from './lazy-view.ts';
import { shellRoute } from './root.ts';

const imageRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/images/$name',
  loader: ({ context: { queryClient }, params }) => queryClient.ensureQueryData(imageQuery(params.name)),
  component: lazyView(() => import('../image/image.tsx'), 'Image'),
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
    component: lazyView(load, name),
  });

/** Views of an image show the version that is in use, and its first platform, unless their address names another. */
function versionOf(search: Search): { version?: number; platform?: string } {
  const version = Number(search['version']);
  const platform = textOf(search, 'platform');
  return {
    ...(Number.isSafeInteger(version) && version > 0 && { version }),
    ...(platform !== undefined && { platform }),
  };
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
  component: lazyView(() => import('../creation/creation.tsx'), 'Creation'),
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
