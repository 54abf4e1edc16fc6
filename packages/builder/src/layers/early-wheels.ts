import {
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
import { convertWheel } from './wheel-layers.ts';

/** Pages of an index that are read at once. */
const pagesAtOnce = 8;
/** Which file a pin means changes seldom: when another wheel of the same version is uploaded, or one is taken back. */
const maximalAgeMilliseconds = 24 * 3600 * 1000;

/**
 * Starts on the wheels of pinned requirements while the resolver is still busy with them: which file a pin means is told by one page
 * of the index, and layers are keyed by what the file really is, so that a wrong guess costs a download and nothing else.
 */
export function startWheels(
  workshop: Workshop,
  indexing: Promise<IndexSettings>,
  requirements: readonly Requirement[],
  target: Target,
  compiling: Promise<Compiler | undefined>,
): void {
  const waiting = requirements.filter((one) => exactVersion(one) !== undefined);
  if (waiting.length === 0) return;
  const work = async (): Promise<void> => {
    const index = await indexing;
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const wheel = await forecast(workshop, index, one, target);
      if (wheel === undefined || workshop.earlyWheels.has(wheel.sha256)) continue;
      const name = one.name;
      const converting = compiling.then((compiler) =>
        convertWheel(workshop, index, { name, wheel }, target.pythonVersion, compiler),
      );
      workshop.earlyWheels.set(wheel.sha256, converting);
      // Whoever needs this wheel tries again and tells what is wrong; a wheel that nobody needs may fail in silence.
      converting.catch(() => workshop.earlyWheels.delete(wheel.sha256));
    }
  };
  const workers = Array.from({ length: pagesAtOnce }, () => work());
  // Pages of some projects are megabytes of JSON, and nobody needs them any more.
  void Promise.allSettled(workers).then(giveBackMemory);
}

type Forecast = { readonly atMilliseconds: number; readonly wheel: LockedWheel };

/** The wheel that a pin most likely means, from memory or from the index's page. */
async function forecast(
  workshop: Workshop,
  index: IndexSettings,
  requirement: Requirement,
  target: Target,
): Promise<LockedWheel | undefined> {
  const { pythonVersion, architecture, libc } = target;
  const inputs = [
    index.indexUrl ?? '',
    ...(index.extraIndexUrls ?? []),
    [pythonVersion, architecture, libc.family, libc.version].join(' '),
    formatRequirement(requirement),
    ...(requirement.hashes ?? []),
  ];
  const now = workshop.now().getTime();
  const known = await recall<Forecast>(workshop, 'forecasts', inputs);
  if (known !== undefined && Math.abs(now - known.atMilliseconds) < maximalAgeMilliseconds) return known.wheel;
  const wheel = await foreseeWheel(workshop.http, index, requirement, target);
  if (wheel !== undefined) await remember(workshop, 'forecasts', inputs, { atMilliseconds: now, wheel });
  return wheel;
}
