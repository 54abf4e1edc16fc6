import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Notifications } from '../database/notifications.ts';
import type { Db } from '../instance-context.ts';
import { detailsOfJob } from './job-details.ts';
import { logAfter } from './log.ts';
import { channels } from './queue.ts';

/** A comment so often keeps proxies from closing a quiet connection. */
const keepAliveSeconds = 15;

const linesAtOnce = 500;

/**
 * What happens in a job as Server-Sent Events (WHATWG HTML, 9.2): its log from the line behind `lastEventId`, its progress, and its end.
 * Followers read the database when something changed; no worker knows how many there are.
 */
export function jobEvents(db: Db, notifications: Notifications, job: string, lastEventId: number): Readable {
  return Readable.from(events(db, notifications, job, lastEventId), { objectMode: false });
}

async function* events(db: Db, notifications: Notifications, job: string, lastEventId: number): AsyncGenerator<string> {
  let wake: () => void = () => undefined;
  let hasChanged = true;
  const unsubscribe = notifications.subscribe((channel, payload) => {
    if (channel !== undefined && (channel !== channels.changed || payload !== job)) return;
    hasChanged = true;
    wake();
  });
  let last = lastEventId;
  let told = '';
  try {
    yield 'retry: 2000\n\n';
    for (;;) {
      hasChanged = false;
      // The state is read before the log: what was logged before an end is told before it.
      const details = await detailsOfJob(db, job);
      for (;;) {
        const lines = await logAfter(db, job, last, linesAtOnce);
        for (const { number, at, stage, text } of lines) {
          last = number;
          yield event('log', { at: at.toISOString(), stage, text }, number);
        }
        if (lines.length < linesAtOnce) break;
      }
      if (details === undefined) return;
      const isOver = details.finishedAt !== null;
      const progress = event(isOver ? 'end' : 'progress', details);
      if (progress !== told) yield progress;
      told = progress;
      if (isOver) return;
      if (!hasChanged) yield* pause();
    }
  } finally {
    unsubscribe();
  }

  async function* pause(): AsyncGenerator<string> {
    const over = new AbortController();
    const woken = new Promise<'woken'>((resolve) => {
      wake = () => resolve('woken');
    });
    const quiet = delay(keepAliveSeconds * 1000, 'quiet' as const, { signal: over.signal }).catch(
      () => 'quiet' as const,
    );
    const outcome = hasChanged ? 'woken' : await Promise.race([woken, quiet]);
    over.abort();
    if (outcome === 'quiet') yield ': still here\n\n';
  }
}

function event(name: string, data: unknown, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
