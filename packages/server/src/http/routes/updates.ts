import { z } from 'zod';
import type { InstanceContext } from '../../instance-context.ts';
import { declareUpdate, findUpdate, haltUpdate, resumeUpdate, revertUpdate } from '../../updates/application.ts';
import { oldBases } from '../../updates/base-packages.ts';
import { checkDeclaration, countUpdate, previewUpdate } from '../../updates/preview.ts';
import { currentRelease, requirementChanges } from '../../updates/release.ts';
import { updateKinds, updateStates } from '../../updates/update.ts';
import { listUpdates, updateDetails } from '../../updates/update-details.ts';
import { type Route, routesOf } from '../route.ts';
import { packageChange, reason } from '../shapes/difference.ts';
import { missingRequirement } from '../shapes/plan.ts';

const route = routesOf('images');

const declaration = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('platform'), label: z.string(), requirements: z.array(z.string()).max(200).default([]) }),
  z.object({ kind: z.literal('base'), from: z.string(), to: z.string() }),
]);

const update = z
  .object({
    id: z.string(),
    kind: z.enum(updateKinds),
    label: z.string().nullable(),
    requirements: z.array(z.string()),
    from: z.string().nullable(),
    to: z.string().nullable(),
    state: z.enum(updateStates),
    createdBy: z.string().nullable(),
    createdAt: z.string(),
    images: z.object({ total: z.int(), ready: z.int(), failed: z.int(), cancelled: z.int(), underWay: z.int() }),
  })
  .meta({ id: 'Update' });

const imageUpdate = z.object({
  name: z.string(),
  action: z.enum(['rebase', 'rebuild', 'none']),
  why: z.string(),
  baseDigest: z.string().nullable(),
  missing: z.array(missingRequirement),
});
const oldBase = z.object({ digest: z.string(), images: z.int(), packages: z.array(packageChange) });
const identified = z.object({ id: z.string() });

/** Platform releases and base updates: many images at once, with a preview, at low priority, and with a way back. */
export function updateRoutes(context: InstanceContext): Route[] {
  const { db } = context;
  const change = (path: string, id: string, summary: string, work: typeof haltUpdate) =>
    route({
      method: 'POST',
      path: `/v1/updates/{id}/${path}`,
      id,
      summary,
      access: 'administer',
      params: identified,
      answer: z.object({ update }),
      handle: async ({ params, caller, trace }) => {
        await work(context, caller, params.id, trace);
        return { update: await updateDetails(db, params.id) };
      },
    });
  return [
    route({
      method: 'GET',
      path: '/v1/updates',
      id: 'listUpdates',
      summary: 'List platform releases and base updates',
      access: 'see',
      answer: z.object({ updates: z.array(update), release: z.string().nullable() }),
      handle: async () => ({ updates: await listUpdates(db), release: (await currentRelease(db))?.label ?? null }),
    }),
    route({
      method: 'POST',
      path: '/v1/updates/preview',
      id: 'previewUpdate',
      summary: 'Previewing an update',
      access: 'administer',
      body: z.intersection(
        declaration,
        z.object({ after: z.string().default(''), limit: z.int().min(1).max(1000).default(100) }),
      ),
      answer: z.object({
        counts: z.object({ rebase: z.int(), rebuild: z.int(), none: z.int() }),
        images: z.array(imageUpdate),
        requirements: z.array(reason),
        bases: z.array(oldBase),
      }),
      handle: async ({ body: { after, limit, ...declared }, caller, trace }) => {
        checkDeclaration(context, declared);
        const [counts, images, requirements, bases] = await Promise.all([
          countUpdate(db, declared),
          previewUpdate(db, declared, after, limit),
          requirementChanges(db, declared),
          oldBases(context, caller, declared, trace),
        ]);
        return { counts, images: images.map((one) => ({ ...one, missing: [...one.missing] })), requirements, bases };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/updates',
      id: 'applyUpdate',
      summary: 'Applying an update',
      access: 'administer',
      body: declaration,
      answer: z.object({ update }),
      handle: async ({ body, caller, trace }) => ({
        update: await updateDetails(db, await declareUpdate(context, caller, body, trace)),
      }),
    }),
    route({
      method: 'GET',
      path: '/v1/updates/{id}',
      id: 'getUpdate',
      summary: 'Get how an update stands',
      access: 'see',
      params: identified,
      answer: z.object({ update }),
      handle: async ({ params }) => ({ update: await updateDetails(db, (await findUpdate(db, params.id)).id) }),
    }),
    change('halt', 'haltUpdate', 'Halting an update', haltUpdate),
    change('resume', 'resumeUpdate', 'Resuming an update', resumeUpdate),
    change('revert', 'revertUpdate', 'Reverting an update', revertUpdate),
  ];
}
