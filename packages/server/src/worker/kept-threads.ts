import { ConversionPool, openHome } from '@mir/builder';

/** Threads that nobody has needed for so long are ended: what they hold is memory. */
const keptSeconds = 5;

/**
 * Conversion threads that go from one build to the next, as long as builds follow each other: starting them takes more processor time
 * than anything else in a build whose layers are known.
 */
export class KeptThreads {
  readonly #environment: NodeJS.ProcessEnv;
  #kept: ConversionPool | undefined;
  #retirement: NodeJS.Timeout | undefined;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  /** Threads for a build: those of the last one, or none yet. Given back by disposing of what this gives. */
  async take(): Promise<AsyncDisposable & { readonly pool: ConversionPool }> {
    clearTimeout(this.#retirement);
    const pool = this.#kept ?? new ConversionPool((await openHome(this.#environment)).registry);
    this.#kept = undefined;
    return { pool, [Symbol.asyncDispose]: () => this.#giveBack(pool) };
  }

  async #giveBack(pool: ConversionPool): Promise<void> {
    // What a build began and did not wait for is its own affair; it must not go on beside the next one.
    if (!pool.isIdle) return pool.close();
    this.#kept = pool;
    this.#retirement = setTimeout(() => {
      this.#kept = undefined;
      void pool.close();
    }, keptSeconds * 1000).unref();
  }
}
