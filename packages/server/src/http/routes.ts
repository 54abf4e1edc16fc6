import type { ImageFeed } from '../images/image-feed.ts';
import type { InstanceContext } from '../instance-context.ts';
import type { Metrics } from '../metrics.ts';
import type { RunFeed } from '../runs/run-feed.ts';
import { descriptionRoute } from './openapi.ts';
import type { Route } from './route.ts';
import { administrationRoutes } from './routes/administration.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { healthRoutes } from './routes/health.ts';
import { imageAlterationRoutes } from './routes/image-alteration.ts';
import { imageCreationRoutes } from './routes/image-creation.ts';
import { imageEventRoutes } from './routes/image-events.ts';
import { imageRemovalRoutes } from './routes/image-removal.ts';
import { imageSearchRoutes } from './routes/image-search.ts';
import { imageUsageRoutes } from './routes/image-usage.ts';
import { imageVersionRoutes } from './routes/image-versions.ts';
import { imageRoutes } from './routes/images.ts';
import { jobRoutes } from './routes/jobs.ts';
import { originalInstanceRoutes } from './routes/original-instance.ts';
import { originalTokenRoutes } from './routes/original-tokens.ts';
import { pullSecretRoutes } from './routes/pull-secrets.ts';
import { registryRoutes } from './routes/registry.ts';
import { signInRoutes } from './routes/sign-in.ts';
import { testRunRoutes } from './routes/test-runs.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { updateRoutes } from './routes/updates.ts';
import { userRoutes } from './routes/users.ts';
import { workspaceRoutes } from './routes/workspaces.ts';

/** What routes need besides the context. */
export type RouteServices = {
  readonly metrics: Metrics;
  readonly notReadyBecause: () => Promise<string | undefined>;
  readonly imageFeed: ImageFeed;
  readonly runFeed: RunFeed;
};

/** Every operation of the API. */
export function allRoutes(context: InstanceContext, services: RouteServices): Route[] {
  const routes = [
    ...healthRoutes(services),
    ...imageRoutes(context),
    ...imageSearchRoutes(context),
    ...imageCreationRoutes(context),
    ...imageAlterationRoutes(context),
    ...imageVersionRoutes(context),
    ...imageRemovalRoutes(context),
    ...imageUsageRoutes(context),
    ...imageEventRoutes(services),
    ...originalInstanceRoutes(context),
    ...catalogueRoutes(context),
    ...updateRoutes(context),
    ...jobRoutes(context),
    ...testRunRoutes(context, services),
    ...pullSecretRoutes(context),
    ...signInRoutes(context),
    ...userRoutes(context),
    ...workspaceRoutes(context),
    ...tokenRoutes(context),
    ...originalTokenRoutes(context),
    ...administrationRoutes(context),
    ...registryRoutes(context),
  ];
  return [...routes, descriptionRoute(routes)];
}
