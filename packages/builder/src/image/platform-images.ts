import { type Image, ImageSet } from '@mir/oci';
import type { ImageSpec } from '../image-spec.ts';
import { makePlan, type Plan, type PlanOptions } from '../plan/plan.ts';
import type { Workshop } from '../workshop.ts';
import { type BuiltImage, buildImage, type LayerListener } from './build.ts';

/** The image of one platform, and the plan that it was built from. */
type PlatformImage = { readonly plan: Plan; readonly built: BuiltImage };

/** Images that belong together under one name: one, or an index over several platforms. */
export type BuiltImages = {
  readonly published: Image | ImageSet;
  readonly images: readonly PlatformImage[];
};

/**
 * Plans for several platforms, one after the other: what a plan reads of an archive is large, and the second one finds
 * most of what it needs already there.
 *
 * @throws Fault of whatever is wrong with one of them
 */
export async function makePlans(
  workshop: Workshop,
  specs: readonly ImageSpec[],
  options: PlanOptions = {},
): Promise<readonly Plan[]> {
  const plans: Plan[] = [];
  for (const spec of specs) plans.push(await makePlan(workshop, spec, options));
  return plans;
}

/**
 * Makes the images of several platforms at once, in one pool: wheels for any platform, their bytecode, and whatever else two of
 * them need, are made once. One plan gives an image, several give an index over them.
 *
 * @throws Fault as {@link buildImage}
 */
export async function buildImages(
  workshop: Workshop,
  plans: readonly Plan[],
  onLayer?: LayerListener,
): Promise<BuiltImages> {
  const builds = plans.map(async (plan) => ({ plan, built: await buildImage(workshop, plan, onLayer) }));
  // None may go on behind the fault of another.
  await Promise.allSettled(builds);
  const images = await Promise.all(builds);
  const [first, ...others] = images;
  if (first === undefined) throw new TypeError('a build needs a plan');
  const published = others.length === 0 ? first.built.image : ImageSet.create(images.map(({ built }) => built.image));
  return { published, images };
}
