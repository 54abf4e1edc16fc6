import { z } from 'zod';
import { jobStates } from '../../jobs/job.ts';
import { failure } from './failure.ts';

/** A test run as it stands, or ended. */
export const testRun = z
  .object({
    id: z.string(),
    status: z.enum(jobStates),
    image: z.object({
      name: z.string(),
      version: z.int().nullable(),
      digest: z.string().nullable(),
      isExternal: z.boolean(),
    }),
    command: z.array(z.string()),
    variables: z.array(z.string()),
    workspace: z.string().nullable(),
    creator: z.string().nullable(),
    timeLimitSeconds: z.int(),
    memoryBytes: z.int(),
    network: z.boolean(),
    queuePosition: z.int().nullable(),
    cancellationRequested: z.boolean(),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
    exitStatus: z.int().nullable(),
    usage: z
      .object({
        wallSeconds: z.number(),
        cpuSeconds: z.number().nullable(),
        peakMemoryBytes: z.int().nullable(),
      })
      .nullable(),
    leftOut: z.array(z.string()),
    failure: failure.nullable(),
    rights: z.object({ cancel: z.boolean() }),
  })
  .meta({ id: 'TestRun' });

/** A file that a test run left. */
export const storedFile = z
  .object({ path: z.string(), sizeBytes: z.int(), isExecutable: z.boolean() })
  .meta({ id: 'StoredFile' });
