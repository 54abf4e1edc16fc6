import { isFault, type Platform, parsePlatform, platforms } from '@mir/core';
import { type Digest, type Image, ImageSet } from '@mir/oci';
import type { Base } from '../base/base.ts';
import { chooseBase, outlineOfBase } from '../base/choice.ts';
import { builderFault } from '../fault.ts';
import { formatImageLocation } from '../image/image-location.ts';
import { type OpenedImage, platformOf, readerOf } from '../image/opened-image.ts';
import type { Delivered } from '../output/delivery.ts';
import type { Output } from '../output/output.ts';
import type { Workshop } from '../workshop.ts';
import { carry, type Origin } from './carriage.ts';
import { readOwnImage } from './own-image.ts';
import { type RebasedImage, rebaseImage, refusal, refuseBroken } from './rebase.ts';

/** What came of putting an image, or all images of an index, on another base. */
export type Rebase = {
  readonly published: Image | ImageSet;
  readonly digest: Digest;
  /** One for each platform. */
  readonly images: readonly RebasedImage[];
  readonly origins: readonly Origin[];
};

/**
 * Puts an image on another base; of an index, each of its images on the base for its platform. Nothing is delivered yet: when
 * one of them cannot be, none is.
 *
 * @throws Fault `rebase/refused`, `image/no-lock`, those of the base
 */
export async function rebaseOpened(workshop: Workshop, opened: OpenedImage, baseName: string): Promise<Rebase> {
  const name = formatImageLocation(opened.location);
  const rebases = opened.images.map(async (image) => {
    const platform = parsePlatform(platformOf(image));
    const shown = opened.isIndex ? `${name} (${platform})` : name;
    const [own, outline] = await Promise.all([
      readOwnImage(image, opened.blobs, name),
      outlineOfBase(workshop, baseName, platform),
    ]);
    if (outline !== undefined) refuseBroken(own, outline, shown);
    return rebaseImage(workshop, own, await baseFor(workshop, baseName, platform, shown), shown);
  });
  // None may go on behind the refusal of another.
  await Promise.allSettled(rebases);
  const images = await Promise.all(rebases);
  const [first] = images;
  if (first === undefined) {
    throw builderFault('image/no-platform', {
      what: `${name} lists no image for ${platforms.join(' or ')}`,
      subject: name,
      hint: 'Name an image that mir built.',
    });
  }
  const published = opened.isIndex ? ImageSet.create(images.map(({ image }) => image)) : first.image;
  const origins = [originOf(opened), ...images.flatMap(({ base }) => baseOrigin(workshop, base))];
  return { published, digest: published.digest, images, origins };
}

async function baseFor(workshop: Workshop, base: string, platform: Platform, name: string): Promise<Base> {
  try {
    return await workshop.stage('base', () => chooseBase(workshop, { platform, base, layers: 'anywhere' }));
  } catch (thrown) {
    if (!isFault(thrown, 'manifest/no-such-platform')) throw thrown;
    throw refusal([{ what: thrown.message, fix: `take a base for ${platform}` }], base, name, thrown);
  }
}

/** Delivers what a rebase made. @throws Fault of the output */
export function deliverRebase(workshop: Workshop, rebase: Rebase, output: Output): Promise<Delivered> {
  return carry(workshop, rebase.published, rebase.origins, output);
}

/** The same, where a target has it by now: further ones in the same registry need not be sent what it has. */
export function deliveredTo(workshop: Workshop, rebase: Rebase, output: Output): Rebase {
  if (output.kind !== 'registry') return rebase;
  const images = rebase.images.map(({ image }) => image);
  const origin: Origin = {
    blobs: workshop.contents,
    holds: new Set(
      images.flatMap(({ manifest, layers }) => [
        manifest.config.digest,
        ...layers.map(({ descriptor }) => descriptor.digest),
      ]),
    ),
    repository: { registry: output.registry, name: output.repository },
  };
  return { ...rebase, origins: [...rebase.origins, origin] };
}

function originOf({ images, blobs, location }: OpenedImage): Origin {
  const holds = new Set(images.flatMap((image) => image.layers.map(({ descriptor }) => descriptor.digest)));
  if (location.kind !== 'registry') return { blobs, holds };
  return {
    blobs,
    holds,
    manifests: images.map(({ digest }) => digest),
    repository: { registry: location.registry, name: location.reference.repository },
  };
}

function baseOrigin(workshop: Workshop, { image, source }: Base): Origin[] {
  if (source === undefined) return [];
  const holds = new Set(image.layers.map(({ descriptor }) => descriptor.digest));
  const blobs = readerOf(workshop.registry(source.registry).repository(source.repository));
  return [{ blobs, holds, repository: { registry: source.registry, name: source.repository } }];
}
