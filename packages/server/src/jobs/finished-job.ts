import { setTimeout as delay } from 'node:timers/promises';
import type { FaultData } from '@mir/core';
import type { Notifications } from '../database/notifications.ts';
import type { Db } from '../instance-context.ts';
import type { JobState } from './job.ts';
import { channels } from './queue.ts';

/** Notifications may be lost; nobody waits longer than this for that. */
const pollSeconds = 2;

/** How a job ended. */
export type FinishedJob = {
  readonly state: JobState;
  readonly result: object | null;
  readonly failure: FaultData | null;
};

/** Waits until a job has ended; undefined when it has not within the time. */
export async function finishedJob(
  db: Db,
  notifications: Notifications,
  id: string,
  waitSeconds: number,
): Promise<FinishedJob | undefined> {
  const over = new AbortController();
  let wake: () => void = () => undefined;
  const unsubscribe = notifications.subscribe((channel, payload) => {
    if (channel === undefined || (channel === channels.changed && payload === id)) wake();
  });
  try {
    const until = performance.now() + waitSeconds * 1000;
    while (performance.now() < until) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const job = await db
        .selectFrom('jobs')
        .where('id', '=', id)
        .select(['state', 'result', 'failure', 'finished_at'])
        .executeTakeFirst();
      if (job === undefined) return undefined;
      if (job.finished_at !== null) return job;
      await Promise.race([woken, delay(pollSeconds * 1000, undefined, { signal: over.signal }).catch(() => undefined)]);
    }
    return undefined;
  } finally {
    over.abort();
    unsubscribe();
  }
}
