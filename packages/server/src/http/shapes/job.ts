import { z } from 'zod';
import { jobKinds } from '../../jobs/job.ts';
import { failure } from './failure.ts';

/** A job as it stands: where in the queue, how far, and for which images. */
export const jobDetails = z
  .object({
    jobId: z.string(),
    kind: z.enum(jobKinds),
    status: z.enum(['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED']),
    images: z.array(
      z.object({
        name: z.string(),
        version: z.int(),
        creator: z.string().nullable(),
        workspace: z.string().nullable(),
      }),
    ),
    priority: z.enum(['interactive', 'rebuild', 'prewarm']),
    queuePosition: z.int().nullable(),
    expectedStart: z.string().nullable(),
    stage: z.string().nullable(),
    progress: z.object({
      doneBytes: z.int(),
      totalBytes: z.int(),
      sentBytes: z.int(),
      secondsLeft: z.int().nullable(),
      stages: z.array(z.object({ stage: z.string(), seconds: z.number() })),
    }),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
    attempts: z.int(),
    cancellationRequested: z.boolean(),
    failure: failure.nullable(),
  })
  .meta({ id: 'JobDetails' });
