import { describeApi } from './openapi.ts';
import { allRoutes } from './routes.ts';

/** The description of the API, without an instance: routes look at one only when they are called. */
export function apiDescription(): Readonly<Record<string, unknown>> {
  const none = new Proxy({}, { get: () => undefined });
  return describeApi(allRoutes(none as Parameters<typeof allRoutes>[0], none as Parameters<typeof allRoutes>[1]));
}
