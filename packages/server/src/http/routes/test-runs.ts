import type { Readable } from 'node:stream';
import { z } from 'zod';
import { serverFault } from '../../fault.ts';
import { filesOf, receiveFiles } from '../../files/file-set.ts';
import { filesArchive } from '../../files/files-archive.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { jobStates } from '../../jobs/job.ts';
import { cancelRun } from '../../runs/cancellation.ts';
import { createRun } from '../../runs/creation.ts';
import { answerOfRun } from '../../runs/run-answer.ts';
import { findRun, listRuns, type RunRow } from '../../runs/run-details.ts';
import type { RunFeed } from '../../runs/run-feed.ts';
import { imageOfRequest, runRequest } from '../../runs/run-request.ts';
import { runLimits } from '../../runs/test-run.ts';
import { RawAnswer, type Route, routesOf } from '../route.ts';
import type { RouteServices } from '../routes.ts';
import { storedFile, testRun } from '../shapes/test-run.ts';
import { followingJob } from './jobs.ts';

const images = routesOf('images');
const route: typeof images = (definition) => ({ ...images(definition), group: 'test-runs' });
const identified = z.object({ id: z.string() });

/** Users' commands, run in images. */
export function testRunRoutes(context: InstanceContext, { runFeed }: Pick<RouteServices, 'runFeed'>): Route[] {
  return [...startingRoutes(context), ...readingRoutes(context, runFeed)];
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
        return { run: answerOfRun(await findRun(db, caller, id), caller) };
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

function readingRoutes(context: InstanceContext, runFeed: RunFeed): Route[] {
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
        pageToken: z.string().optional(),
      }),
      answer: z.object({ runs: z.array(testRun), nextPageToken: z.string().optional() }),
      handle: async ({ query: { image, status: state, limit, pageToken }, caller }) => {
        const { runs, nextPageToken } = await listRuns(context, caller, { image, state, limit }, pageToken);
        return {
          runs: runs.map((run) => answerOfRun(run, caller)),
          ...(nextPageToken !== undefined && { nextPageToken }),
        };
      },
    }),
    route({
      method: 'GET',
      // Not below /v1/test-runs/, where ids are.
      path: '/v1/test-run-events',
      id: 'followTestRuns',
      summary: 'Follow the test runs of one’s workspaces as Server-Sent Events: run, many; ready when it begins',
      access: 'seeRuns',
      answer: 'text/event-stream',
      handle: async ({ caller, reply }) => {
        // Proxies that collect answers would hold the events back.
        reply.header('cache-control', 'no-store').header('x-accel-buffering', 'no');
        return new RawAnswer('text/event-stream; charset=utf-8', runFeed.follow(caller));
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
      handle: async ({ params, caller }) => ({ run: answerOfRun(await findRun(db, caller, params.id), caller) }),
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
