import { z } from 'zod';
import type { InstanceContext } from '../../instance-context.ts';
import { findingKinds } from '../../registry/registry-check.ts';
import { checkRegistry } from '../../registry/registry-repair.ts';
import { type Route, routesOf } from '../route.ts';

const route = routesOf('administration');

/** The registry behind the instance, for administrators. */
export function registryRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/registry/check',
      id: 'checkRegistry',
      summary: 'Comparing the registry with the instance, and repairing what can be',
      access: 'administer',
      body: z.object({
        /** Nothing is changed without it. */
        repair: z.boolean().default(false),
        after: z.int().min(0).default(0),
      }),
      answer: z.object({
        registry: z.object({
          kind: z.string(),
          host: z.string().nullable(),
          region: z.string().nullable(),
          prefix: z.string(),
        }),
        checked: z.int(),
        findings: z.array(
          z.object({
            kind: z.enum(findingKinds),
            path: z.string(),
            image: z.string(),
            version: z.int().nullable(),
            tag: z.string().nullable(),
            message: z.string(),
            repair: z.string().nullable(),
          }),
        ),
        /** The repositories that the instance knows, or once had, of those that were checked. */
        known: z.array(z.string()),
        next: z.int().optional(),
      }),
      handle: async ({ body, caller, trace }) => {
        const { settings, registry, repositories } = context;
        const { next, known, ...report } = await checkRegistry(context, caller, body, trace);
        return {
          registry: {
            kind: settings.registry.kind,
            host: registry.host ?? null,
            region: settings.registry.region ?? null,
            prefix: settings.image_registry_config.repository_prefix,
          },
          ...report,
          findings: [...report.findings],
          known: [...known, repositories.path(repositories.pool)],
          ...(next !== undefined && { next }),
        };
      },
    }),
  ];
}
