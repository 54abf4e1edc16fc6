import { exactVersion, type IndexSettings, indexSettingsOfMachine, indexUrls, type Target } from '@mir/python';
import type { ImageSpec } from '../image-spec.ts';
import { EarlyWheels } from '../layers/early-wheels.ts';
import { recall, remember } from '../memory.ts';
import type { Workshop } from '../workshop.ts';
import { unknownLimit } from './confirmation.ts';
import { knownIndexes, recallLock, unsettledOf } from './resolution.ts';

type BaseWish = Pick<ImageSpec, 'base' | 'pythonVersion' | 'platform'>;

/** A list that was not resolved lately, so that an index is likely to be asked. */
type Question = {
  readonly pins: ImageSpec['requirements'];
  readonly target: Target;
  readonly index: IndexSettings;
};

/**
 * Loads what asking an index takes, when it most likely will be. Node reads the machine's certificates in a thread of its own, which takes longer
 * than loading everything else: called before the first request to a registry, it is done when the index is asked.
 */
export async function prepareForNewPins(workshop: Workshop, specs: readonly ImageSpec[]): Promise<void> {
  for (const spec of specs) {
    const question = await questionOf(workshop, spec);
    if (question === undefined || !indexUrls(question.index).some((url) => url.startsWith('https:'))) continue;
    try {
      workshop.http.prepare('https:');
    } catch {
      // A setting that is wrong is told to whoever sends a request.
    }
    return;
  }
}

/**
 * Asks the index which wheels new pins mean while it is still being asked what the base is: it is mostly what it was the last time, and
 * where it is not, a page was read for nothing. The resolution finds the answers, or finds them under way.
 */
export async function foreseeNewPins(workshop: Workshop, spec: ImageSpec): Promise<void> {
  const question = await questionOf(workshop, spec);
  if (question === undefined) return;
  const { pins, target, index } = question;
  const early = new EarlyWheels(workshop, target, Promise.resolve(undefined));
  const unknown = early.unknownOf(pins, index);
  // Of more a resolver is asked.
  if (unknown.length <= unknownLimit) await Promise.all(unknown.map((one) => early.foresee(one, index)));
}

/** Remembers for the next build what a base turned out to be. */
export async function rememberTarget(workshop: Workshop, wish: BaseWish, target: Target): Promise<void> {
  const known = recall<Target>(workshop, 'bases', inputsOf(wish));
  if (JSON.stringify(known) !== JSON.stringify(target)) await remember(workshop, 'bases', inputsOf(wish), target);
}

async function questionOf(workshop: Workshop, spec: ImageSpec): Promise<Question | undefined> {
  const target = recall<Target>(workshop, 'bases', inputsOf(spec));
  if (spec.lock !== undefined || target === undefined) return undefined;
  const settings = await indexSettingsOfMachine(workshop.environment);
  const index = knownIndexes(workshop, settings);
  if (index === undefined || recallLock(workshop, { ...spec, target }, settings) !== undefined) return undefined;
  const pins = unsettledOf(workshop, { ...spec, target }, settings).filter((one) => exactVersion(one) !== undefined);
  return pins.length === 0 ? undefined : { pins, target, index };
}

function inputsOf({ base, pythonVersion, platform }: BaseWish): readonly string[] {
  return ['target of', base ?? '', pythonVersion ?? '', platform];
}
