import { createHash } from 'node:crypto';

/** Numbers that look random and are the same for the same seed, on any machine (the generator sfc32). */
export class Random {
  readonly #state: Uint32Array;

  constructor(seed: string) {
    this.#state = new Uint32Array(4);
    const sum = createHash('sha256').update(seed).digest();
    for (let at = 0; at < 4; at++) this.#state[at] = sum.readUInt32LE(at * 4);
  }

  /** A whole number from 0 to below a limit. */
  below(limit: number): number {
    return Math.floor((this.#next() / 2 ** 32) * limit);
  }

  /** One of some values. */
  of<Value>(values: readonly [Value, ...Value[]]): Value {
    return values[this.below(values.length)] ?? values[0];
  }

  #next(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#state;
    const sum = (a + b + counter) >>> 0;
    this.#state.set([b ^ (b >>> 9), c + (c << 3), ((c << 21) | (c >>> 11)) + sum, counter + 1]);
    return sum;
  }
}
