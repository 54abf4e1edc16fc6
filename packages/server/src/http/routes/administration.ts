import { z } from 'zod';
import { auditCsv, readAudit } from '../../audit/audit-log.ts';
import { imageAndJob, pageSize } from '../../contract/shapes.ts';
import { listRemovedImages, restoreImage } from '../../images/restoration.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { RawAnswer, type Route, routesOf } from '../route.ts';
import { time } from '../shapes.ts';
import { answerWith } from './original-images.ts';

const route = routesOf('administration');
const images = routesOf('images');

const auditFilter = z.object({
  user: z.string().max(256).optional(),
  action: z.string().max(256).optional(),
  subject: z.string().max(512).optional(),
  outcome: z.enum(['done', 'refused', 'failed']).optional(),
  since: time.optional(),
  until: time.optional(),
});

/** What organization administrators see and do. */
export function administrationRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/audit',
      id: 'readAudit',
      summary: 'Reading the audit log',
      access: 'administer',
      query: auditFilter.extend({ pageSize, pageToken: z.string().optional() }),
      answer: z.object({
        entries: z.array(
          z.object({
            id: z.int(),
            at: z.string(),
            user: z.string().nullable(),
            token: z.string().nullable(),
            workspace: z.string().nullable(),
            action: z.string(),
            subject: z.string().nullable(),
            outcome: z.enum(['done', 'refused', 'failed']),
            old: z.unknown(),
            new: z.unknown(),
            requestId: z.string().nullable(),
            address: z.string().nullable(),
          }),
        ),
        nextPageToken: z.string().optional(),
      }),
      handle: async ({ query: { pageSize: size, pageToken, ...filter } }) => {
        const { entries, nextPageToken } = await readAudit(context, filter, size, pageToken);
        return { entries, ...(nextPageToken !== undefined && { nextPageToken }) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/audit.csv',
      id: 'exportAudit',
      summary: 'Exporting the audit log',
      access: 'administer',
      query: auditFilter,
      answer: 'text/csv',
      handle: async ({ query }) => new RawAnswer('text/csv; charset=utf-8', auditCsv(context, query), 'audit.csv'),
    }),
    route({
      method: 'GET',
      path: '/v1/settings',
      id: 'getSettings',
      summary: 'Reading the settings in effect',
      access: 'administer',
      answer: z.object({ settings: z.record(z.string(), z.unknown()) }),
      // The address of the database may hold a password.
      handle: async () => ({
        settings: { ...context.settings, database_url: context.settings.database_url === undefined ? null : 'set' },
      }),
    }),
    images({
      method: 'GET',
      path: '/v1/removed-images',
      id: 'listRemovedImages',
      summary: 'Listing removed images',
      access: 'remove',
      query: z.object({ name: z.string().max(200).optional(), pageSize, pageToken: z.string().optional() }),
      answer: z.object({
        images: z.array(
          z.object({
            id: z.int(),
            name: z.string(),
            repository: z.string(),
            digest: z.string().nullable(),
            version: z.int().nullable(),
            removedAt: z.string(),
            removedBy: z.string().nullable(),
          }),
        ),
        nextPageToken: z.string().optional(),
      }),
      handle: ({ query: { name, pageSize: size, pageToken } }) => listRemovedImages(context, name, size, pageToken),
    }),
    images({
      method: 'POST',
      path: '/v1/removed-images/{id}/restore',
      id: 'restoreImage',
      summary: 'Restoring a removed image',
      access: 'remove',
      params: z.object({ id: z.coerce.number().int().min(1) }),
      body: z.object({ name: z.string().nullish() }),
      answer: imageAndJob,
      handle: async ({ params, body, caller, trace, dialect }) => {
        const { name, jobId } = await restoreImage(context, caller, params.id, body.name ?? undefined, trace);
        return answerWith(context, name, jobId, dialect);
      },
    }),
  ];
}
