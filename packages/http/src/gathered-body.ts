import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream';

/**
 * A body in pieces that fill `room`, the last one but for its rest; each is good until the next is asked for. A connection gives a body in
 * pieces of 16 kB, and to wait for each costs more than to put a few dozen of them together.
 *
 * @throws the error of the connection, when what came before it was given
 */
export async function* gatheredBody(answer: IncomingMessage, room: Uint8Array): AsyncGenerator<Uint8Array> {
  let filled = 0;
  let rest: Uint8Array = new Uint8Array(0);
  let end: { readonly error?: Error } | undefined;
  let wake = () => {};
  const take = (chunk: Uint8Array) => {
    const taken = Math.min(chunk.length, room.length - filled);
    room.set(taken === chunk.length ? chunk : chunk.subarray(0, taken), filled);
    filled += taken;
    rest = chunk.subarray(taken);
    if (filled < room.length) return;
    answer.pause();
    wake();
  };
  const forget = finished(answer, { writable: false }, (error) => {
    end = error == null ? {} : { error };
    wake();
  });
  try {
    answer.on('data', take);
    for (;;) {
      if (filled < room.length && end === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          answer.resume();
        });
      }
      if (filled === 0) break;
      yield room.subarray(0, filled);
      filled = 0;
      if (rest.length > 0) take(rest);
    }
    if (end?.error !== undefined) throw end.error;
  } finally {
    forget();
    answer.off('data', take);
    if (!answer.complete || end === undefined) answer.destroy();
  }
}
