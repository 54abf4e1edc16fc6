import type { z } from 'zod';
import type { Caller } from '../access/caller.ts';
import { has } from '../access/rights.ts';
import type { testRun } from '../http/shapes/test-run.ts';
import type { RunRow } from './run-details.ts';

/** How a test run stands, for somebody who may see it. */
export function answerOfRun(run: RunRow, caller: Caller): z.infer<typeof testRun> {
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
    rights: { cancel: run.finishedAt === null && has(caller, 'change', run) },
  };
}
