import { z } from 'zod';
import { usageOf } from '../../images/image-usage.ts';
import { endUse, startUse } from '../../images/uses.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';

const route = routesOf('images');
const named = z.object({ name: z.string() });

/** Who uses an image, and who has used it. */
export function imageUsageRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/images/{name}/uses',
      id: 'startUse',
      summary: 'Say that a test run uses an image, and get the digest to pin',
      access: 'create',
      params: named,
      body: z.object({
        by: z.string().min(1).max(256),
        expiresInSeconds: z
          .int()
          .min(1)
          .max(7 * 86_400)
          .default(86_400),
      }),
      answer: z.object({
        use: z.object({
          id: z.string(),
          version: z.int(),
          digest: z.string(),
          reference: z.string(),
          expiresAt: z.string(),
        }),
      }),
      handle: async ({ params, body, caller, trace }) => ({
        use: await startUse(context, caller, params.name, body, trace),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/v1/images/{name}/uses/{id}',
      id: 'endUse',
      summary: 'Say that a test run has ended',
      access: 'create',
      params: z.object({ name: z.string(), id: z.string() }),
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await endUse(context, caller, params.name, params.id, trace);
        return {};
      },
    }),
    route({
      method: 'GET',
      path: '/v1/images/{name}/usage',
      id: 'getImageUsage',
      summary: 'Get who used an image: how often, in which workspaces, and what is made from it',
      access: 'see',
      params: named,
      answer: z.object({
        children: z.int(),
        runs: z.int(),
        lastUsedAt: z.string().nullable(),
        workspaces: z.array(z.object({ name: z.string(), runs: z.int(), lastUsedAt: z.string() })),
      }),
      handle: async ({ params }) => {
        const { workspaces, ...rest } = await usageOf(context.db, params.name);
        return { ...rest, workspaces: [...workspaces] };
      },
    }),
  ];
}
