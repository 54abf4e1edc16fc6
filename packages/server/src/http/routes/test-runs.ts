import type { Readable } from 'node:stream';
import { z } from 'zod';
import { serverFault } from '../../fault.ts';
import { filesOf, receiveFiles } from '../../files/file-set.ts';
import { filesArchive } from '../../files/files-archive.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { jobStates } from '../../jobs/job.ts';
import { cancelRun } from '../../runs/cancellation.ts';
import { createRun } from '../../runs/creation.ts';
import { findRun, listRuns, type RunRow } from '../../runs/run-details.ts';
import { imageOfRequest, runRequest } from '../../runs/run-request.ts';
import { runLimits } from '../../runs/test-run.ts';
import { RawAnswer, type Route, routesOf } from '../route.ts';
import { storedFile, testRun } from '../shapes.ts';
import { followingJob } from './jobs.ts';

const images = routesOf('images');
const route: typeof images = (definition) => ({ ...images(definition), group: 'test-runs' });
const identified = z.object({ id: z.string() });

/** Users' commands, run in images. */
export function testRunRoutes(context: InstanceContext): Route[] {
  return [...startingRoutes(context), ...readingRoutes(context)];
}

function startingRoutes(context: InstanceContext): Route[] {
  const { db, settings } = context;
  return [
    route({
      method: 'POST',
      path: '/v1/run-files',
      id: 'uploadRunFiles',
      summary: 'Sending files for a test run',
      access: 'run',
      takes: 'application/gzip',
      answer: z.object({ filesId: z.string(), files: z.int(), sizeBytes: z.int() }),
      handle: async ({ request, caller }) => {
        const archive = request.body as Readable;
        try {
          const { id, files, sizeBytes } = await receiveFiles(db, caller.userId, archive, {
            files: runLimits.files,
            sizeBytes: settings.sandbox.run_upload_bytes,
          });
          return { filesId: id, files, sizeBytes };
        } finally {
          // Many clients read no answer before they have sent everything.
          await drained(archive, 2 * settings.sandbox.run_upload_bytes);
        }
      },
    }),
    route({
      method: 'POST',
      path: '/v1/test-runs',
      id: 'createTestRun',
      summary: 'Running tests',
      access: 'run',
      body: runRequest,
      answer: z.object({ run: testRun }),
      handle: async ({ body, caller, trace }) => {
        const id = await createRun(
          context,
          caller,
          {
            image: imageOfRequest(body),
            command: body.command,
            environment: Object.fromEntries((body.environment ?? []).map(({ name, value }) => [name, value])),
            filesId: body.filesId,
            timeLimitSeconds: body.timeLimitSeconds,
            memoryBytes: body.resources?.memoryBytes,
            wantsNetwork: body.network ?? false,
          },
          trace,
        );
        return { run: answerOf(await findRun(db, caller, id)) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/test-runs/{id}/cancel',
      id: 'cancelTestRun',
      summary: 'Cancelling a test run',
      access: 'seeRuns',
      params: identified,
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await cancelRun(context, caller, params.id, trace);
        return {};
      },
    }),
  ];
}

function readingRoutes(context: InstanceContext): Route[] {
  const { db } = context;
  return [
    route({
      method: 'GET',
      path: '/v1/test-runs',
      id: 'listTestRuns',
      summary: 'List test runs, of an image or of all, the newest first',
      access: 'seeRuns',
      query: z.object({
        image: z.string().max(512).optional(),
        status: z.enum(jobStates).optional(),
        limit: z.coerce.number().int().min(1).max(1000).default(100),
      }),
      answer: z.object({ runs: z.array(testRun) }),
      handle: async ({ query: { image, status: state, limit }, caller }) => {
        const rows = await listRuns(db, caller, { image, state, limit });
        return { runs: rows.map(answerOf) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/test-runs/{id}',
      id: 'getTestRun',
      summary: 'Get how a test run stands, or ended',
      access: 'seeRuns',
      params: identified,
      answer: z.object({ run: testRun }),
      handle: async ({ params, caller }) => ({ run: answerOf(await findRun(db, caller, params.id)) }),
    }),
    route({
      method: 'GET',
      path: '/v1/test-runs/{id}/events',
      id: 'followTestRun',
      summary: 'Follow a test run: its output and its end as Server-Sent Events',
      access: 'seeRuns',
      params: identified,
      answer: 'text/event-stream',
      handle: async ({ params, caller, request, reply }) =>
        followingJob(context, (await findRun(db, caller, params.id)).jobId, request, reply),
    }),
    route({
      method: 'GET',
      path: '/v1/test-runs/{id}/files',
      id: 'listRunFiles',
      summary: 'List the files that a test run left in its results folder',
      access: 'seeRuns',
      params: identified,
      answer: z.object({ files: z.array(storedFile) }),
      handle: async ({ params, caller }) => {
        const { resultsId } = finished(await findRun(db, caller, params.id));
        const files = resultsId === null ? [] : await filesOf(db, resultsId);
        return { files: files.map(({ path, sizeBytes, isExecutable }) => ({ path, sizeBytes, isExecutable })) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/test-runs/{id}/files.tar.gz',
      id: 'downloadRunFiles',
      summary: 'Download the files that a test run left in its results folder',
      access: 'seeRuns',
      params: identified,
      answer: 'application/gzip',
      handle: async ({ params, caller }) => {
        const { id, resultsId } = finished(await findRun(db, caller, params.id));
        const files = resultsId === null ? [] : await filesOf(db, resultsId);
        return new RawAnswer('application/gzip', filesArchive(db, resultsId ?? '', files), `run-${id}.tar.gz`);
      },
    }),
  ];
}

/** A run that has ended. @throws Fault `run/unfinished` */
function finished(run: RunRow): RunRow {
  if (run.finishedAt !== null) return run;
  throw serverFault('run/unfinished', {
    what: `The test run ${run.id} has not ended yet`,
    subject: run.id,
    hint: 'Follow its events; its files come with its end.',
  });
}

function answerOf(run: RunRow): z.infer<typeof testRun> {
  const { outcome } = run;
  return {
    id: run.id,
    status: run.state,
    image: { name: run.imageName, version: run.version, digest: run.digest, isExternal: run.isExternal },
    command: [...run.command],
    variables: [...run.variableNames],
    workspace: run.workspaceName,
    creator: run.creatorName,
    timeLimitSeconds: run.timeLimitSeconds,
    memoryBytes: run.memoryBytes,
    network: run.wantsNetwork,
    queuePosition: run.queuePosition,
    cancellationRequested: run.cancelRequestedAt !== null,
    createdAt: run.createdAt.toISOString(),
    startedAt: run.startedAt?.toISOString() ?? null,
    finishedAt: run.finishedAt?.toISOString() ?? null,
    exitStatus: outcome?.outcome.kind === 'exited' ? outcome.outcome.status : null,
    usage:
      outcome === null
        ? null
        : {
            wallSeconds: outcome.wallSeconds,
            cpuSeconds: outcome.cpuSeconds ?? null,
            peakMemoryBytes: outcome.peakMemoryBytes ?? null,
          },
    leftOut: [...(outcome?.leftOut ?? [])],
    failure: run.failure,
  };
}

/** Reads what is left of a body, up to a bound. */
async function drained(body: Readable, limitBytes: number): Promise<void> {
  if (body.readableEnded || body.destroyed) return;
  let sizeBytes = 0;
  try {
    for await (const chunk of body) {
      sizeBytes += (chunk as Uint8Array).length;
      if (sizeBytes > limitBytes) break;
    }
  } catch {
    // Whoever hung up wants no answer.
  }
}
