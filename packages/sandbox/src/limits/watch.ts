import type { SandboxLimit, SandboxLimits } from '../sandbox.ts';
import type { Accounting } from './usage.ts';

const firstPauseMilliseconds = 5;
const longestPauseMilliseconds = 100;

/** Looks at what a sandbox takes, often at first and then ten times a second, and tells which limit it went past, or that it cannot see. */
export class Watch {
  readonly #accounting: Accounting;
  readonly #limits: SandboxLimits;
  readonly #exceeded: (limit: SandboxLimit) => void;
  readonly #lost: (thrown: unknown) => void;
  readonly #wall: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #pauseMilliseconds = firstPauseMilliseconds;
  #cpuSeconds: number | undefined;
  #peakMemoryBytes: number | undefined;

  constructor(
    accounting: Accounting,
    limits: SandboxLimits,
    { exceeded, lost }: { exceeded(limit: SandboxLimit): void; lost(thrown: unknown): void },
  ) {
    this.#accounting = accounting;
    this.#limits = limits;
    this.#exceeded = exceeded;
    this.#lost = lost;
    this.#wall = setTimeout(() => exceeded('wall-time'), Math.min(limits.wallSeconds * 1000, 2 ** 31 - 1));
    this.#again();
  }

  get cpuSeconds(): number | undefined {
    return this.#cpuSeconds;
  }

  get peakMemoryBytes(): number | undefined {
    return this.#peakMemoryBytes;
  }

  /** Looks a last time. */
  stop(): void {
    clearTimeout(this.#wall);
    clearTimeout(this.#timer);
    this.#look();
  }

  #again(): void {
    this.#timer = setTimeout(() => {
      try {
        this.#look();
        this.#again();
      } catch (thrown) {
        this.#lost(thrown);
      }
    }, this.#pauseMilliseconds);
    this.#pauseMilliseconds = Math.min(this.#pauseMilliseconds * 2, longestPauseMilliseconds);
  }

  #look(): void {
    const usage = this.#accounting.usage();
    const { cpuSeconds, memoryBytes, processes, ranOutOfMemory, ranOutOfProcesses } = usage;
    const limits = this.#limits;
    if (cpuSeconds !== undefined) this.#cpuSeconds = cpuSeconds;
    for (const bytes of [memoryBytes, usage.peakMemoryBytes])
      if (bytes !== undefined && bytes > (this.#peakMemoryBytes ?? 0)) this.#peakMemoryBytes = bytes;
    if (ranOutOfMemory || (memoryBytes ?? 0) > limits.memoryBytes) this.#exceeded('memory');
    // bubblewrap is one of them.
    else if (ranOutOfProcesses || (processes ?? 0) > limits.processes + 1) this.#exceeded('processes');
    else if ((cpuSeconds ?? 0) > limits.cpuSeconds) this.#exceeded('cpu-time');
  }
}
