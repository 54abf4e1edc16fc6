import { Fault } from '@mir/core';
import type { Caller, Trace } from '../access/caller.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import { checkOsPackages } from '../images/os-catalogue.ts';
import { checkSpec, type Spec, specKey } from '../images/spec.ts';
import type { InstanceContext } from '../instance-context.ts';
import { currentRelease } from '../updates/release.ts';
import type { PlanResult } from '../worker/build-message.ts';
import type { BuildPayload } from '../worker/build-payload.ts';
import { finishedJob } from './finished-job.ts';
import { priorities } from './job.ts';
import { enqueue } from './queue.ts';

/** A plan that nobody could make by then is given up. */
const waitSeconds = 120;

/**
 * Says what a build of a spec would do. A worker makes the plan, beside its builds; equal plans that are asked for at the same
 * time are made once.
 *
 * @throws Fault of the spec; `instance/overloaded` when no worker had time for it
 */
export async function makeInstancePlan(
  context: InstanceContext,
  caller: Caller,
  spec: Spec,
  trace: Trace,
): Promise<PlanResult> {
  checkSpec(spec, context.rules);
  await checkOsPackages(context, spec);
  const release = await currentRelease(context.db);
  const payload: BuildPayload = { spec, ...(release !== undefined && { releaseRequirements: release.requirements }) };
  const id = await transaction(context.db, (trx) =>
    enqueue(trx, {
      kind: 'plan',
      key: specKey(spec, context.rules),
      priority: priorities.interactive,
      workspaceId: caller.workspace?.id ?? null,
      creatorId: caller.userId,
      payload,
      requestId: trace.requestId,
    }),
  );
  const job = await finishedJob(context.db, context.notifications, id, waitSeconds);
  if (job?.state === 'SUCCEEDED') return job.result as PlanResult;
  if (job?.failure != null) throw Fault.from(job.failure);
  throw serverFault('instance/overloaded', {
    what: `No worker has made the plan within ${waitSeconds} s`,
    hint: 'Try again later; an administrator sees in /metrics whether workers run.',
  });
}
