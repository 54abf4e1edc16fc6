import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '@mir/core';
import type { Caller, Trace } from '../access/caller.ts';
import type { Notifications } from '../database/notifications.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import { checkSpec, type Spec, specKey } from '../images/spec.ts';
import type { InstanceContext } from '../instance-context.ts';
import type { PlanResult } from '../worker/build-message.ts';
import { priorities } from './job.ts';
import { channels, enqueue } from './queue.ts';

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
  notifications: Notifications,
  caller: Caller,
  spec: Spec,
  trace: Trace,
): Promise<PlanResult> {
  checkSpec(spec, context.rules);
  const over = new AbortController();
  let wake: () => void = () => undefined;
  const unsubscribe = notifications.subscribe((channel) => {
    if (channel === undefined || channel === channels.changed) wake();
  });
  try {
    const id = await transaction(context.db, (trx) =>
      enqueue(trx, {
        kind: 'plan',
        key: specKey(spec, context.rules),
        priority: priorities.interactive,
        workspaceId: caller.workspace?.id ?? null,
        creatorId: caller.userId,
        payload: { spec },
        requestId: trace.requestId,
      }),
    );
    const until = performance.now() + waitSeconds * 1000;
    while (performance.now() < until) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const job = await context.db
        .selectFrom('jobs')
        .where('id', '=', id)
        .select(['state', 'result', 'failure'])
        .executeTakeFirstOrThrow();
      if (job.state === 'SUCCEEDED') return job.result as PlanResult;
      if (job.failure !== null) throw Fault.from(job.failure);
      // Notifications may be lost; nobody waits longer for that.
      await Promise.race([woken, delay(2000, undefined, { signal: over.signal }).catch(() => undefined)]);
    }
    throw serverFault('instance/overloaded', {
      what: `No worker has made the plan within ${waitSeconds} s`,
      hint: 'Try again later; an administrator sees in /metrics whether workers run.',
    });
  } finally {
    over.abort();
    unsubscribe();
  }
}
