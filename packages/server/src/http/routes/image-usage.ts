import { z } from 'zod';
import { usageOf } from '../../images/image-usage.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { RawAnswer, type Route, routesOf } from '../route.ts';
import type { RouteServices } from '../routes.ts';

const route = routesOf('images');

/** Who used an image, and what happens to all of them. */
export function imageUsageRoutes({ db }: InstanceContext, { imageFeed }: Pick<RouteServices, 'imageFeed'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/images/{name}/usage',
      id: 'getImageUsage',
      summary: 'Get who used an image: how often, in which workspaces, and what is made from it',
      access: 'see',
      params: z.object({ name: z.string() }),
      answer: z.object({
        children: z.int(),
        runs: z.int(),
        lastUsedAt: z.string().nullable(),
        workspaces: z.array(z.object({ name: z.string(), runs: z.int(), lastUsedAt: z.string() })),
      }),
      handle: async ({ params }) => {
        const { workspaces, ...rest } = await usageOf(db, params.name);
        return { ...rest, workspaces: [...workspaces] };
      },
    }),
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
