import type { ProgressEvent, Stage } from '@mir/builder';
import { bytes, seconds } from './quantity.ts';

const stageNames: Readonly<Record<Stage, string>> = {
  base: 'making the base (once)',
  resolve: 'resolving versions',
  sdists: 'building wheels from sources',
  'os-packages': 'adding OS packages',
  wheels: 'turning wheels into layers',
  bytecode: 'compiling the standard library',
  assemble: 'assembling the image',
  probe: 'proving the image',
  push: 'pushing',
};

/** Without a terminal, stages that took longer get a line: nobody watches the short ones. */
const longStageSeconds = 1;

/** How long each stage took; stages overlap, so they need not add up. */
export type StageTimes = ReadonlyMap<Stage, number>;

/** Shows a build while it runs: a line that changes on a terminal, a line for each long stage elsewhere, JSON where asked for. */
export class ProgressDisplay {
  readonly #mode: 'terminal' | 'lines' | 'json';
  readonly #startedAt = performance.now();
  readonly #running = new Set<Stage>();
  readonly #times = new Map<Stage, number>();
  #expectedBytes = 0;
  #receivedBytes = 0;
  #firstByteAt: number | undefined;
  #drawnAt = 0;
  #doing: Stage | undefined;

  constructor(wantsJson: boolean) {
    this.#mode = wantsJson ? 'json' : process.stderr.isTTY ? 'terminal' : 'lines';
    process.once('SIGINT', this.#interrupt);
  }

  /** Takes an event; to be handed to the workshop. */
  readonly listen = (event: ProgressEvent): void => {
    this.#count(event);
    if (this.#mode === 'json' && event.type !== 'received') process.stdout.write(`${JSON.stringify(event)}\n`);
    if (this.#mode === 'terminal') this.#draw(event.type === 'stage');
    if (this.#mode === 'lines' && event.type === 'stage' && (event.seconds ?? 0) >= longStageSeconds) {
      process.stderr.write(`${seconds(event.seconds ?? 0)}  ${stageNames[event.stage]}\n`);
    }
  };

  /** Bytes that came over the network so far. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get times(): StageTimes {
    return this.#times;
  }

  /** Seconds since the start. */
  get elapsedSeconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  /** Takes the changing line away; Ctrl-C is somebody else's affair from now on. */
  end(): void {
    process.off('SIGINT', this.#interrupt);
    if (this.#mode === 'terminal') process.stderr.write('\r\u001b[K');
  }

  readonly #interrupt = (): void => {
    this.end();
    process.stderr.write('Interrupted. What is whole is kept; run it again to go on.\n');
    process.exit(130);
  };

  #count(event: ProgressEvent): void {
    switch (event.type) {
      case 'stage':
        if (event.state === 'started') this.#running.add(event.stage);
        else this.#running.delete(event.stage);
        if (event.seconds !== undefined) {
          this.#times.set(event.stage, (this.#times.get(event.stage) ?? 0) + event.seconds);
        }
        return;
      case 'expect':
        this.#expectedBytes += event.bytes;
        return;
      case 'received':
        this.#firstByteAt ??= performance.now();
        this.#receivedBytes += event.bytes;
        return;
      default:
        return;
    }
  }

  #draw(isImportant: boolean): void {
    const now = performance.now();
    if (!isImportant && now - this.#drawnAt < 100) return;
    this.#drawnAt = now;
    // Between two stages the last one stands for what is going on.
    this.#doing = [...this.#running].at(-1) ?? this.#doing;
    const parts = [
      seconds(this.elapsedSeconds),
      this.#doing === undefined ? 'starting' : stageNames[this.#doing],
      ...(this.#expectedBytes > 0 ? [`${bytes(this.#receivedBytes)} of ${bytes(this.#expectedBytes)}`] : []),
      ...this.#timeLeft(now),
    ];
    process.stderr.write(`\r\u001b[K${parts.join('  ').slice(0, (process.stderr.columns || 80) - 1)}`);
  }

  #timeLeft(now: number): string[] {
    const missing = this.#expectedBytes - this.#receivedBytes;
    if (this.#firstByteAt === undefined || missing <= 0 || this.#receivedBytes === 0) return [];
    const rate = this.#receivedBytes / Math.max(1, now - this.#firstByteAt);
    const left = missing / rate / 1000;
    return left < 1 ? [] : [`about ${seconds(left)} left`];
  }
}
