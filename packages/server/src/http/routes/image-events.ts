import { RawAnswer, type Route, routesOf } from '../route.ts';
import type { RouteServices } from '../routes.ts';

const route = routesOf('images');

/** What happens to all images, as it happens. */
export function imageEventRoutes({ imageFeed }: Pick<RouteServices, 'imageFeed'>): Route[] {
  return [
    route({
      method: 'GET',
      // Not below /v1/images/, where an image may have any name.
      path: '/v1/image-events',
      id: 'followImages',
      summary:
        'Follow the images and builds of the instance as Server-Sent Events: build, queue, image, many; ready after the first ones',
      access: 'see',
      answer: 'text/event-stream',
      handle: async ({ caller, reply }) => {
        // Proxies that collect answers would hold the events back.
        reply.header('cache-control', 'no-store').header('x-accel-buffering', 'no');
        return new RawAnswer('text/event-stream; charset=utf-8', imageFeed.follow(caller.userId));
      },
    }),
  ];
}
