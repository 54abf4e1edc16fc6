import { Fault, type FaultData, isFault } from '@mir/core';
import type { BuildTarget, ProcessMessage } from './build-message.ts';

type Asked = { readonly id: number; readonly target: BuildTarget };

/**
 * The further targets of an image that a build process has built: its worker names them when they are there, several at once, and says when there
 * are no more.
 */
export class Deliveries {
  readonly #say: (message: ProcessMessage) => void;
  #asked: Asked[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(say: (message: ProcessMessage) => void) {
    this.#say = say;
  }

  /** A build begins: what was said of the one before, which may have failed, is not about this one. */
  begin(): void {
    this.#asked = [];
    this.#isOver = false;
  }

  /** Another target. */
  ask(id: number, target: BuildTarget): void {
    this.#asked.push({ id, target });
    this.#wake();
  }

  /** There are no more targets. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** Brings the image to each target as soon as it is named, until there are no more. Each is answered for itself. */
  async make(deliver: (target: BuildTarget) => Promise<void>): Promise<void> {
    const underWay = new Set<Promise<void>>();
    for (;;) {
      const next = this.#asked.shift();
      if (next !== undefined) {
        const one: Promise<void> = this.#answer(next, deliver).finally(() => underWay.delete(one));
        underWay.add(one);
      } else if (this.#isOver) break;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
    await Promise.all(underWay);
  }

  async #answer({ id, target }: Asked, deliver: (target: BuildTarget) => Promise<void>): Promise<void> {
    try {
      await deliver(target);
      this.#say({ type: 'delivered', id });
    } catch (thrown) {
      this.#say({ type: 'delivered', id, fault: faultOf(thrown) });
    }
  }
}

/** What a worker is told of something that went wrong in its build process. */
export function faultOf(thrown: unknown): FaultData {
  if (isFault(thrown)) return thrown.toJSON();
  process.stderr.write(`${thrown instanceof Error ? thrown.stack : thrown}\n`);
  return new Fault('server/failed', {
    what: `It failed for a reason that is a fault of the program: ${thrown instanceof Error ? thrown.message : thrown}`,
    hint: 'It is tried again; if it stays, report it with the log of the worker.',
  }).toJSON();
}
