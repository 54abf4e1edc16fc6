import type { RegistryAction, RequestPace } from '@mir/oci';
import type { TokenBuckets } from '../token-buckets.ts';
import { ecrActions, ecrRates, isRated } from './rates.ts';

/** How long a registry is left alone that has no time and does not say for how long. */
const restSeconds = 1;

/** Requests to an ECR registry at the rate that its account has, whichever process of the instance sends them. */
export class EcrPace implements RequestPace {
  readonly #buckets: TokenBuckets | undefined;
  readonly #registry: string;
  readonly #isUrgent: boolean;

  constructor(buckets: TokenBuckets | undefined, registry: string, isUrgent: boolean) {
    this.#buckets = buckets;
    this.#registry = registry;
    this.#isUrgent = isUrgent;
  }

  async turn(action: RegistryAction, signal?: AbortSignal): Promise<void> {
    await this.actionTurn(ecrActions[action], signal);
  }

  /** Waits for the turn of an action, as Amazon names it. */
  async actionTurn(action: string, signal?: AbortSignal): Promise<void> {
    if (!isRated(action)) return;
    await this.#buckets?.take(this.#bucket(action), {
      rate: ecrRates[action],
      isUrgent: this.#isUrgent,
      ...(signal !== undefined && { signal }),
    });
  }

  throttled(action: RegistryAction, seconds = restSeconds): void {
    const name = ecrActions[action];
    if (!isRated(name)) return;
    // Whoever asks next waits; that it could not be written down costs another refusal.
    this.#buckets?.drain(this.#bucket(name), ecrRates[name], Math.min(seconds, 60)).catch(() => undefined);
  }

  #bucket(action: string): string {
    return `${this.#registry} ${action}`;
  }
}
