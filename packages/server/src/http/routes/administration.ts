import { z } from 'zod';
import { auditCsv, readAudit } from '../../audit/audit-log.ts';
import { pageSize } from '../../contract/shapes.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { RawAnswer, type Route, routesOf } from '../route.ts';
import { time } from '../shapes/time.ts';

const route = routesOf('administration');

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
  ];
}
