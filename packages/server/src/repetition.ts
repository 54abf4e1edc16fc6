import { setTimeout as delay } from 'node:timers/promises';

/**
 * Does something again and again until it is disposed of: at once while it says that there is more to do, else after a pause. A round
 * that fails is told of, and the next one comes after the pause.
 */
export function repeat(options: {
  readonly round: () => Promise<'more' | 'done'>;
  readonly pauseSeconds: number;
  readonly onFailure: (thrown: unknown) => void;
  /** Is given what ends a pause early; gives what takes that back. */
  readonly onWake?: (wake: () => void) => () => void;
}): AsyncDisposable {
  const stopping = new AbortController();
  const bell = new Bell();
  const silence = options.onWake?.(() => bell.ring());
  const ended = repeatUntil(stopping.signal, bell, options);
  return {
    [Symbol.asyncDispose]: async () => {
      silence?.();
      stopping.abort();
      bell.ring();
      await ended;
    },
  };
}

async function repeatUntil(
  signal: AbortSignal,
  bell: Bell,
  { round, pauseSeconds, onFailure }: Parameters<typeof repeat>[0],
): Promise<void> {
  while (!signal.aborted) {
    bell.listen();
    const outcome = await round().catch((thrown: unknown) => {
      onFailure(thrown);
      return 'done';
    });
    if (outcome === 'done') await bell.pause(pauseSeconds);
  }
}

/** Ends pauses early; a ring during a round ends the pause behind it. */
class Bell {
  #over = new AbortController();

  listen(): void {
    this.#over = new AbortController();
  }

  ring(): void {
    this.#over.abort();
  }

  async pause(seconds: number): Promise<void> {
    await delay(seconds * 1000, undefined, { signal: this.#over.signal }).catch(() => undefined);
  }
}
