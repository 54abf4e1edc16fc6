import type { FastifyBaseLogger } from 'fastify';
import type { Caller, Trace } from '../access/caller.ts';
import type { Db } from '../instance-context.ts';
import { repeat } from '../repetition.ts';
import { audit } from './audit.ts';

const pauseSeconds = 60;

/** Addresses are told apart up to this number; the rest of a minute is counted together. */
const addressLimit = 1000;

/** A request that was refused. */
type Refusal = {
  /** Undefined where nobody could be seen behind it. */
  readonly caller: Caller | undefined;
  readonly trace: Pick<Trace, 'address'> & Partial<Trace>;
  readonly action: string;
  readonly subject: string;
  readonly message: string;
};

/**
 * Writes refusals into the audit log. That is never shortened, so nobody without an account may fill it: of their refusals, the first of an
 * address and a minute is written at once and whole; those that follow are counted, and become one entry.
 */
export class Refusals implements AsyncDisposable {
  readonly #db: Db;
  readonly #logger: FastifyBaseLogger;
  readonly #minutes: AsyncDisposable;
  #counts = new Map<string, number>();
  #since = new Date();

  constructor(db: Db, logger: FastifyBaseLogger) {
    this.#db = db;
    this.#logger = logger;
    this.#minutes = repeat({
      round: async () => {
        await this.#endMinute();
        return 'done';
      },
      pauseSeconds,
      onFailure: (thrown) => this.#notWritten(thrown),
    });
  }

  /** Takes note of a refusal. */
  async note({ message, ...refusal }: Refusal): Promise<void> {
    if (refusal.caller === undefined && this.#isCounted(refusal.trace.address ?? '')) return;
    const entry = { ...refusal, outcome: 'refused', new: { message } } as const;
    await audit(this.#db, entry).catch((thrown: unknown) => this.#notWritten(thrown));
  }

  /** Whether there was one from an address in this minute already; then this one is counted with those that followed. */
  #isCounted(address: string): boolean {
    const known = this.#counts.get(address);
    if (known === undefined && this.#counts.size < addressLimit) {
      this.#counts.set(address, 0);
      return false;
    }
    const counted = known === undefined ? '' : address;
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#minutes[Symbol.asyncDispose]();
    await this.#endMinute().catch((thrown: unknown) => this.#notWritten(thrown));
  }

  async #endMinute(): Promise<void> {
    const [counts, since] = [this.#counts, this.#since];
    this.#counts = new Map();
    this.#since = new Date();
    for (const [address, requests] of counts) {
      if (requests === 0) continue;
      await audit(this.#db, {
        caller: undefined,
        trace: { address: address === '' ? undefined : address },
        action: 'refusals',
        outcome: 'refused',
        new: { requests, since: since.toISOString(), message: 'Requests without an account' },
      });
    }
  }

  #notWritten(thrown: unknown): void {
    this.#logger.error({ err: thrown }, 'refusals could not be written into the audit log');
  }
}
