import type { FaultData } from '@mir/core';
import { transaction } from '../database/transaction.ts';
import type { Db } from '../instance-context.ts';
import { endJob, ownsJob } from '../jobs/ending.ts';
import type { RunOutcome } from './test-run.ts';

/** Ends a test run: what it gave, and whether that counts as success. */
export async function completeRun(
  db: Db,
  worker: string,
  job: string,
  ended: { readonly outcome: RunOutcome; readonly digest: string; readonly resultsId: string | undefined },
): Promise<void> {
  const failure = failureOf(ended.outcome);
  await transaction(db, async (trx) => {
    if (!(await ownsJob(trx, worker, job))) return;
    await trx
      .updateTable('test_runs')
      .set({ outcome: JSON.stringify(ended.outcome), digest: ended.digest, results_id: ended.resultsId ?? null })
      .where('job_id', '=', job)
      .execute();
    await endJob(trx, job, failure === undefined ? 'SUCCEEDED' : 'FAILED', failure);
  });
}

/** Why a run did not end well; undefined when its command ended with status 0. */
function failureOf({ outcome }: RunOutcome): FaultData | undefined {
  if (outcome.kind === 'exited') {
    if (outcome.status === 0) return undefined;
    return {
      code: 'run/exit-status',
      what: `The command ended with status ${outcome.status}`,
      hint: 'Its output says why.',
    };
  }
  if (outcome.kind === 'signalled') {
    return {
      code: 'run/signal',
      what: `The command was ended by ${outcome.signal}`,
      hint: 'Its output may say why; a crash of compiled code is one reason.',
    };
  }
  if (outcome.kind === 'stopped')
    return { code: 'run/stopped', what: 'The command was stopped', hint: 'Start it again when you need it.' };
  return {
    code: 'run/limit',
    what: `The command was ended at its limit of ${limitNames[outcome.limit]}`,
    hint: 'Ask for more, where the instance allows it, or let the command do with less.',
  };
}

const limitNames = {
  'wall-time': 'time',
  'cpu-time': 'processor time',
  memory: 'memory',
  processes: 'processes',
  output: 'output',
  results: 'files that come back',
} as const satisfies Readonly<Record<Extract<RunOutcome['outcome'], { kind: 'limit' }>['limit'], string>>;
