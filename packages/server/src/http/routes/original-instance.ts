import { z } from 'zod';
import { job } from '../../contract/shapes.ts';
import { findBuildJob, wireJob } from '../../contract/wire-job.ts';
import { serverFault } from '../../fault.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { cancelJob } from '../../jobs/cancellation.ts';
import { readLog } from '../../jobs/log.ts';
import { type Route, routesOf } from '../route.ts';

const route = routesOf('instance');

/** What the original's clients are told of the server: the last version that they were made for. */
const clusterVersion = '2.13.2';

/** This product needs no licence; clients that ask for one are told of one that does not end. */
const endOfLicence = '2099-01-01T00:00:00Z';
const endOfGrace = '2099-02-01T00:00:00Z';

/** The original's operations besides images: what its clients ask when they start, and jobs. */
export function originalInstanceRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/rime-info',
      id: 'getServerInfo',
      summary: 'Get what clients of the original want to know of the server',
      access: 'see',
      isOriginal: true,
      answer: z.object({
        clusterInfoVersion: z.string(),
        customerName: z.string(),
        expirationTime: z.string(),
        gracePeriodEndTime: z.string(),
        riPlan: z.string(),
        buildVersion: z.string(),
      }),
      handle: async () => ({
        clusterInfoVersion: clusterVersion,
        customerName: context.settings.customer_name,
        expirationTime: endOfLicence,
        gracePeriodEndTime: endOfGrace,
        riPlan: 'RI_PLAN_DEFAULT',
        buildVersion: clusterVersion,
      }),
    }),
    route({
      method: 'GET',
      path: '/v1/feature-flags/{customerName}/limits/{limit}',
      id: 'getLimit',
      summary: 'Get a limit of the licence',
      access: 'see',
      isOriginal: true,
      params: z.object({
        customerName: z.string(),
        limit: z.string().regex(/^LICENSE_LIMIT_[A-Z_]{1,80}$/, 'is not a limit'),
      }),
      answer: z.object({
        limitStatus: z.object({
          limit: z.string(),
          limitStatus: z.string(),
          limitValue: z.string(),
          currentValue: z.string(),
        }),
      }),
      handle: async ({ params, dialect }) => ({
        limitStatus: {
          limit: params.limit,
          // The two generations of clients want different words, and nothing but the base path tells them apart.
          limitStatus: dialect === '0.20' ? 'OK' : 'STATUS_OK',
          limitValue: '0',
          currentValue: '0',
        },
      }),
    }),
    route({
      method: 'GET',
      path: '/v1/jobs/{jobId}',
      id: 'getJob',
      summary: 'Get a job',
      access: 'see',
      isOriginal: true,
      params: z.object({ jobId: z.string() }),
      query: z.object({ view: z.string().optional() }),
      answer: z.object({ job }),
      handle: async ({ params }) => {
        const row = await findBuildJob(context.db, params.jobId);
        if (row === undefined) throw unknownJob(params.jobId);
        return { job: wireJob(row, new Date()) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/jobs/cancel/{jobId}',
      id: 'cancelJob',
      summary: 'Cancelling a build',
      access: 'change',
      isOriginal: true,
      params: z.object({ jobId: z.string() }),
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await cancelJob(context, caller, params.jobId, trace);
        return {};
      },
    }),
    ...['/v1-beta/logs/{jobId}', '/internal/logs/{jobId}', '/v1/logs/{jobId}'].map((path, at) =>
      route({
        method: 'GET',
        path,
        id: `getLog${at === 0 ? '' : at + 1}`,
        summary: 'Get the log of a job',
        access: 'see',
        isOriginal: true,
        params: z.object({ jobId: z.string() }),
        answer: z.object({ result: z.object({ chunk: z.string() }) }),
        handle: async ({ params }) => {
          const row = await findBuildJob(context.db, params.jobId);
          if (row === undefined) throw unknownJob(params.jobId);
          return { result: { chunk: await readLog(context.db, params.jobId) } };
        },
      }),
    ),
  ];
}

/** The fault for a job that there is not. */
export function unknownJob(id: string) {
  return serverFault('job/unknown', {
    what: `There is no job ${id.slice(0, 100)}`,
    subject: id.slice(0, 100),
    hint: 'Use the jobId of the answer that started it.',
  });
}
