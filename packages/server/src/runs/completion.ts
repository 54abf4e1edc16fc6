import type { FaultData } from '@mir/core';
import type { SandboxLimit } from '@mir/sandbox';
import { transaction } from '../database/transaction.ts';
import type { Db } from '../instance-context.ts';
import { endJob, ownsJob } from '../jobs/ending.ts';
import { type RunOutcome, runLimits } from './test-run.ts';

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
  return { code: 'run/limit', ...limitTexts[outcome.limit] };
}

const mend = 'let the command do with less, or in several runs';

/** What was too much, and what can be done: some limits are asked for, some an administrator sets, some are fixed. */
const limitTexts = {
  'wall-time': {
    what: 'The command was ended at its limit of time',
    hint: `Give it more with timeLimitSeconds, up to what the instance allows (sandbox.run_time_limit_seconds), or ${mend}.`,
  },
  'cpu-time': {
    what: `The command was ended at its limit of processor time, ${runLimits.coresAtMost} seconds for each of its limit of time`,
    hint: `Give it more with timeLimitSeconds, or ${mend}.`,
  },
  memory: {
    what: 'The command was ended at its limit of memory',
    hint: `Give it more with resources.memoryBytes, up to what the instance allows (sandbox.run_memory_bytes), or ${mend}.`,
  },
  processes: {
    what: `The command was ended at its limit of ${runLimits.processes} processes and threads`,
    hint: 'Let it start fewer: numerical libraries take a thread for each core unless OMP_NUM_THREADS says otherwise.',
  },
  output: {
    what: `The command was ended after it had printed ${runLimits.outputBytes >> 20} MiB`,
    hint: 'Write what is long into a file in $MIR_OUTPUT instead.',
  },
  results: {
    what: `The command left more than ${runLimits.files} files, or larger ones than the instance takes (sandbox.run_upload_bytes)`,
    hint: 'Put what belongs together into one compressed file, or leave less in $MIR_OUTPUT.',
  },
} as const satisfies Readonly<Record<SandboxLimit, Pick<FaultData, 'what' | 'hint'>>>;
