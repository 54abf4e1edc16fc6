import {
  type CoreMetadata,
  exactVersion,
  foreseeWheel,
  formatRequirement,
  type IndexSettings,
  type LockedWheel,
  type Requirement,
  type Target,
} from '@mir/python';
import type { Compiler } from '../base/interpreter.ts';
import { recall, remember } from '../memory.ts';
import { giveBackMemory } from '../slack.ts';
import type { Workshop } from '../workshop.ts';
import { convertWheel, recallMetadata, type WheelLayers } from './wheel-layers.ts';

/** Pages of an index that are read at once. */
const pagesAtOnce = 8;
/** What fewer pages leave behind is not worth the 40 to 80 ms of a collection, in which no wheel is begun. */
const pagesWorthCollecting = 40;
/**
 * Which file a pin means changes seldom: when another wheel of the same version is uploaded, or one is taken back. So long it may be
 * unnoticed in lists that pin everything and were not settled before.
 */
const maximalAgeMilliseconds = 24 * 3600 * 1000;

/** The wheel that a pin most likely means, and what it says of itself. */
export type ForeseenWheel = { readonly wheel: LockedWheel; readonly metadata: CoreMetadata };

/** A wheel that is worked on before there is a lock. */
export type EarlyWheel = {
  readonly layers: Promise<WheelLayers>;
  /** What it requires, once that is read; undefined when it does not say. */
  readonly metadata: Promise<CoreMetadata | undefined>;
};

/**
 * Work on the wheels of pinned requirements before there is a lock: which file a pin means is told by one page of the index, and layers
 * are keyed by what the file really is, so that one that the lock does not name after all costs a download and nothing else.
 */
export class EarlyWheels {
  readonly #workshop: Workshop;
  readonly #target: Target;
  readonly #compiling: Promise<Compiler | undefined>;

  constructor(workshop: Workshop, target: Target, compiling: Promise<Compiler | undefined>) {
    this.#workshop = workshop;
    this.#target = target;
    this.#compiling = compiling;
  }

  /** Starts on all of them, in the background. */
  start(requirements: readonly Requirement[], indexing: Promise<IndexSettings>): void {
    const waiting = requirements.filter((one) => exactVersion(one) !== undefined);
    if (waiting.length === 0) return;
    const work = async (): Promise<void> => {
      const index = await indexing;
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        const wheel = await this.foresee(one, index);
        if (wheel !== undefined) this.#early(one.name, wheel, index);
      }
    };
    const isMuch = waiting.length >= pagesWorthCollecting;
    const workers = Promise.allSettled(Array.from({ length: pagesAtOnce }, () => work()));
    // Pages of some projects are megabytes of JSON, and nobody needs them any more.
    if (isMuch) void workers.then(giveBackMemory);
  }

  /** Starts on one of them, and waits until it has said what it requires; undefined when it does not. */
  async begin(requirement: Requirement, index: IndexSettings): Promise<ForeseenWheel | undefined> {
    const wheel = await this.foresee(requirement, index);
    if (wheel === undefined) return undefined;
    const metadata =
      recallMetadata(this.#workshop, wheel) ?? (await this.#early(requirement.name, wheel, index).metadata);
    return metadata && { wheel, metadata };
  }

  /** Those of the requirements of which it is not known which wheel they mean. */
  unknownOf(requirements: readonly Requirement[], index: IndexSettings): readonly Requirement[] {
    return requirements.filter((one) => recallForecast(this.#workshop, one, index, this.#target) === undefined);
  }

  /** The wheel that a pin most likely means, as the index says; undefined where it does not. Asked once at a time. */
  async foresee(requirement: Requirement, index: IndexSettings): Promise<LockedWheel | undefined> {
    const known = recallForecast(this.#workshop, requirement, index, this.#target);
    if (known !== undefined) return known;
    const { askedForecasts } = this.#workshop;
    const inputs = inputsOf(requirement, index, this.#target);
    const key = inputs.join('\n');
    const asked = askedForecasts.get(key) ?? this.#ask(requirement, index, inputs);
    askedForecasts.set(key, asked);
    return asked.finally(() => askedForecasts.delete(key));
  }

  async #ask(
    requirement: Requirement,
    index: IndexSettings,
    inputs: readonly string[],
  ): Promise<LockedWheel | undefined> {
    const wheel = await foreseeWheel(this.#workshop.http, index, requirement, this.#target);
    const forecast = { atMilliseconds: this.#workshop.now().getTime(), wheel };
    if (wheel !== undefined) await remember(this.#workshop, 'forecasts', inputs, forecast);
    return wheel;
  }

  /** The wheel under work; started on unless it was before, for another platform perhaps. */
  #early(name: string, wheel: LockedWheel, index: IndexSettings): EarlyWheel {
    const { earlyWheels } = this.#workshop;
    const begun = earlyWheels.get(wheel.sha256);
    if (begun !== undefined) return begun;
    const { promise: metadata, resolve: onMetadata } = Promise.withResolvers<CoreMetadata | undefined>();
    const layers = this.#compiling.then((compiler) =>
      convertWheel(this.#workshop, index, { name, wheel }, this.#target.pythonVersion, compiler, { onMetadata }),
    );
    layers
      // Whoever needs this wheel tries again and tells what is wrong; a wheel that nobody needs may fail in silence.
      .catch(() => earlyWheels.delete(wheel.sha256))
      // Another process may have been the one that converted it.
      .then(() => recallMetadata(this.#workshop, wheel))
      .then(onMetadata, () => onMetadata(undefined));
    const early = { layers, metadata };
    earlyWheels.set(wheel.sha256, early);
    return early;
  }
}

/** What is known of the wheel that a pin most likely means, without asking anybody. */
export function recallForeseen(
  workshop: Workshop,
  requirement: Requirement,
  index: IndexSettings,
  target: Target,
): ForeseenWheel | undefined {
  const wheel = recallForecast(workshop, requirement, index, target);
  const metadata = wheel && recallMetadata(workshop, wheel);
  return wheel && metadata && { wheel, metadata };
}

type Forecast = { readonly atMilliseconds: number; readonly wheel: LockedWheel };

function recallForecast(
  workshop: Workshop,
  requirement: Requirement,
  index: IndexSettings,
  target: Target,
): LockedWheel | undefined {
  const inputs = inputsOf(requirement, index, target);
  const key = inputs.join('\n');
  const before = workshop.forecasts.get(key);
  if (before !== undefined) return before;
  const known = recall<Forecast>(workshop, 'forecasts', inputs);
  if (known === undefined) return undefined;
  const age = workshop.now().getTime() - known.atMilliseconds;
  if (Math.abs(age) >= maximalAgeMilliseconds) return undefined;
  workshop.forecasts.set(key, known.wheel);
  return known.wheel;
}

function inputsOf(
  requirement: Requirement,
  { indexUrl, extraIndexUrls }: IndexSettings,
  { pythonVersion, architecture, libc }: Target,
): readonly string[] {
  return [
    indexUrl ?? '',
    ...(extraIndexUrls ?? []),
    [pythonVersion, architecture, libc.family, libc.version].join(' '),
    formatRequirement(requirement),
    ...(requirement.hashes ?? []),
  ];
}
