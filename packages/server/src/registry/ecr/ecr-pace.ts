import type { RegistryAction, RequestPace } from '@mir/oci';
import type { TokenBuckets } from '../token-buckets.ts';
import { ecrActions, ecrRates, isCounted, isRated } from './rates.ts';

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

  counts(action: RegistryAction): boolean {
    return isCounted(action);
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

  throttled(action: RegistryAction, seconds?: number): Promise<void> {
    return this.actionThrottled(ecrActions[action], seconds);
  }

  /** Lets whoever asks next wait, in all processes. That it could not be written down costs another refusal. */
  async actionThrottled(action: string, seconds = restSeconds): Promise<void> {
    if (!isRated(action)) return;
    await this.#buckets?.drain(this.#bucket(action), ecrRates[action], Math.min(seconds, 60)).catch(() => undefined);
  }

  #bucket(action: string): string {
    return `${this.#registry} ${action}`;
  }
}
