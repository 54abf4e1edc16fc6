import { z } from 'zod';
import type { InstanceContext } from '../../instance-context.ts';
import { createPullSecret, deletePullSecret, listPullSecrets } from '../../runs/pull-secrets.ts';
import { type Route, routesOf } from '../route.ts';

const route = routesOf('test-runs');

/** What images that are not managed here are pulled with, for test runs. */
export function pullSecretRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/pull-secrets',
      id: 'listPullSecrets',
      summary: 'Listing pull secrets',
      access: 'administer',
      answer: z.object({
        secrets: z.array(
          z.object({
            name: z.string(),
            registry: z.string(),
            workspaces: z.array(z.string()),
            createdAt: z.string(),
          }),
        ),
      }),
      handle: async () => ({
        secrets: (await listPullSecrets(context.db)).map((secret) => ({
          ...secret,
          workspaces: [...secret.workspaces],
        })),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/pull-secrets',
      id: 'createPullSecret',
      summary: 'Making a pull secret',
      access: 'administer',
      holdsSecret: true,
      body: z.object({
        name: z.string().max(256),
        registry: z.string().regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/, 'must be HOST or HOST:PORT'),
        username: z.string().min(1).max(1024),
        password: z
          .string()
          .min(1)
          .max(16 * 1024),
        workspaces: z.array(z.string().max(256)).min(1).max(1000),
      }),
      answer: z.object({}),
      handle: async ({ body, caller, trace }) => {
        await createPullSecret(context, caller, body, trace);
        return {};
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/pull-secrets/{name}',
      id: 'deletePullSecret',
      summary: 'Deleting a pull secret',
      access: 'administer',
      params: z.object({ name: z.string() }),
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await deletePullSecret(context, caller, params.name, trace);
        return {};
      },
    }),
  ];
}
