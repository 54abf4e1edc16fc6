import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { serverFault } from './fault.ts';

/** A comment so often keeps proxies from closing a quiet connection. */
const keepAliveSeconds = 15;
const followerLimit = 1000;
/** Of one account: many tabs, and no more. */
const accountLimit = 50;
/** After so long a follower comes again, and shows that it still may. */
const longestMilliseconds = 30 * 60 * 1000;
/** Who reads so slowly is let go, and comes again to a fresh start. */
const waitingLimit = 1000;

/** Whoever follows what happens, and what it has yet to be told. */
export type Follower<Who> = {
  readonly who: Who;
  readonly events: string[];
  wake: () => void;
  isOver: boolean;
  stream?: Readable;
};

/** Those who follow what happens on the instance, each by a stream of Server-Sent Events (WHATWG HTML, 9.2). */
export class Followers<Who extends { readonly userId: number }> implements Disposable {
  readonly #followers = new Set<Follower<Who>>();

  /** How many there are. */
  get size(): number {
    return this.#followers.size;
  }

  [Symbol.iterator](): IterableIterator<Follower<Who>> {
    return this.#followers.values();
  }

  /** A stream of what is told from now on, behind what is told at its beginning. @throws Fault `instance/overloaded` */
  add(who: Who, beginning: () => AsyncIterable<string>): Readable {
    const own = [...this.#followers].filter((one) => one.who.userId === who.userId).length;
    if (this.#followers.size >= followerLimit || own >= accountLimit) {
      throw serverFault('instance/overloaded', {
        what: 'Too many look at the lists of this instance at the moment',
        hint: 'The lists work without following them; try again in a minute.',
      });
    }
    const follower: Follower<Who> = { who, events: [], wake: () => undefined, isOver: false };
    this.#followers.add(follower);
    const stream = Readable.from(this.#events(follower, beginning), { objectMode: false });
    follower.stream = stream;
    // Also when nobody has begun to read.
    stream.once('close', () => this.letGo(follower));
    return stream;
  }

  /** Tells one of them. */
  tell(follower: Follower<Who>, events: readonly string[]): void {
    if (events.length === 0) return;
    follower.events.push(...events);
    if (follower.events.length > waitingLimit) this.letGo(follower);
    else follower.wake();
  }

  /** Who does not read is not waited for: what it has not read is thrown away with its connection. */
  letGo(follower: Follower<Who>): void {
    this.#followers.delete(follower);
    follower.events.length = 0;
    follower.isOver = true;
    follower.wake();
    follower.stream?.destroy();
  }

  [Symbol.dispose](): void {
    for (const follower of this.#followers) this.letGo(follower);
  }

  async *#events(follower: Follower<Who>, beginning: () => AsyncIterable<string>): AsyncGenerator<string> {
    const ends = performance.now() + longestMilliseconds;
    try {
      yield 'retry: 2000\n\n';
      yield* beginning();
      while (!follower.isOver && performance.now() < ends) {
        const told = follower.events.splice(0).join('');
        if (told !== '') yield told;
        else if (!(await wokenWithin(follower, keepAliveSeconds))) yield ': still here\n\n';
      }
    } finally {
      this.#followers.delete(follower);
    }
  }
}

async function wokenWithin<Who>(follower: Follower<Who>, seconds: number): Promise<boolean> {
  const over = new AbortController();
  const woken = new Promise<true>((resolve) => {
    follower.wake = () => resolve(true);
  });
  const quiet = delay(seconds * 1000, false as const, { signal: over.signal }).catch(() => false as const);
  const isWoken = follower.events.length > 0 || (await Promise.race([woken, quiet]));
  over.abort();
  return isWoken;
}

/** An event as it is sent. */
export function serverEvent(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
