import { setTimeout as delay } from 'node:timers/promises';

/**
 * Does something again and again until it is disposed of: at once while it says that there is more to do, else after a pause. A round
 * that fails is told of, and the next one comes after the pause.
 */
export function repeat(options: {
  readonly round: () => Promise<'more' | 'done'>;
  readonly pauseSeconds: number;
  readonly onFailure: (thrown: unknown) => void;
}): AsyncDisposable {
  const stopping = new AbortController();
  const ended = repeatUntil(stopping.signal, options);
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await ended;
    },
  };
}

async function repeatUntil(
  signal: AbortSignal,
  { round, pauseSeconds, onFailure }: Parameters<typeof repeat>[0],
): Promise<void> {
  while (!signal.aborted) {
    const outcome = await round().catch((thrown: unknown) => {
      onFailure(thrown);
      return 'done';
    });
    if (outcome === 'done') await delay(pauseSeconds * 1000, undefined, { signal }).catch(() => undefined);
  }
}
