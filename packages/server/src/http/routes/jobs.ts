import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { InstanceContext } from '../../instance-context.ts';
import { type JobKind, jobStates } from '../../jobs/job.ts';
import { detailsOfJob, listJobs } from '../../jobs/job-details.ts';
import { jobEvents } from '../../jobs/job-events.ts';
import { RawAnswer, type Route, routesOf } from '../route.ts';
import { jobDetails } from '../shapes/job.ts';
import { unknownJob } from './original-instance.ts';

const route = routesOf('jobs');
/** No log has more lines: what the database numbers them with. */
const lastLine = 2 ** 31 - 1;
const identified = z.object({ jobId: z.string() });

/** The events of a job as an answer; from the line behind `Last-Event-ID`, where that is given. */
export function followingJob(
  { db, notifications }: InstanceContext,
  job: string,
  request: FastifyRequest,
  reply: FastifyReply,
): RawAnswer {
  const given = Number(request.headers['last-event-id'] ?? 0);
  // Proxies that collect answers would hold the events back.
  reply.header('cache-control', 'no-store').header('x-accel-buffering', 'no');
  const after = Number.isSafeInteger(given) && given > 0 ? Math.min(given, lastLine) : 0;
  return new RawAnswer('text/event-stream; charset=utf-8', jobEvents(db, notifications, job, after));
}

/** Test runs belong to a workspace, and are seen there. */
function isPrivate({ kind }: { readonly kind: JobKind }): boolean {
  return kind === 'run';
}

/** Builds that run, wait, and ran. */
export function jobRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/jobs',
      id: 'listJobs',
      summary: 'List builds: those that run, those that wait in their order, those that ended last',
      access: 'see',
      query: z.object({
        status: z.union([z.enum(jobStates), z.array(z.enum(jobStates))]).optional(),
        limit: z.coerce.number().int().min(1).max(1000).default(100),
        pageToken: z.string().optional(),
      }),
      answer: z.object({ jobs: z.array(jobDetails), nextPageToken: z.string().optional() }),
      handle: async ({ query: { status, limit, pageToken } }) => {
        const states = status === undefined ? jobStates : [status].flat();
        const { jobs, nextPageToken } = await listJobs(context, states, limit, pageToken);
        return { jobs, ...(nextPageToken !== undefined && { nextPageToken }) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/jobs/{jobId}/details',
      id: 'getJobDetails',
      summary: 'Get how a job stands: place in the queue, stage, progress',
      access: 'see',
      params: identified,
      answer: z.object({ job: jobDetails }),
      handle: async ({ params }) => {
        const job = await detailsOfJob(context.db, params.jobId);
        if (job === undefined || isPrivate(job)) throw unknownJob(params.jobId);
        return { job };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/jobs/{jobId}/events',
      id: 'followJob',
      summary: 'Follow a job: its log, its progress and its end as Server-Sent Events',
      access: 'see',
      params: identified,
      answer: 'text/event-stream',
      handle: async ({ params, request, reply }) => {
        const job = await detailsOfJob(context.db, params.jobId);
        if (job === undefined || isPrivate(job)) throw unknownJob(params.jobId);
        return followingJob(context, params.jobId, request, reply);
      },
    }),
  ];
}
