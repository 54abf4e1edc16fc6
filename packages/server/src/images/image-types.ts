import { readFileSync } from 'node:fs';
import { Fault } from '@mir/core';
import { parse } from 'smol-toml';
import { z } from 'zod';
import type { InstanceContext } from '../instance-context.ts';
import { type ImageTypeName, imageTypeNames } from './image-type.ts';
import { outlineOf } from './outline.ts';
import { debianPythons, type Spec } from './spec.ts';

const imageType = z.strictObject({
  summary: z.string().default(''),
  requirements: z.array(z.string()),
  os_packages: z.array(z.string()).default([]),
});

const file = z.strictObject({
  pythons: z
    .array(z.enum(debianPythons))
    .min(1)
    .default([...debianPythons]),
  ...(Object.fromEntries(imageTypeNames.map((name) => [name, imageType.optional()])) as Record<
    ImageTypeName,
    z.ZodOptional<typeof imageType>
  >),
});

/** What an image type holds. */
export type ImageType = {
  readonly summary: string;
  readonly requirements: readonly string[];
  readonly osPackages: readonly string[];
};

/** The image types of an instance, and the Pythons that there are system images for. */
export type ImageTypes = { readonly pythons: readonly string[]; readonly types: ReadonlyMap<ImageTypeName, ImageType> };

const shipped = new URL('./image-types.toml', import.meta.url);

/** Reads the image types from the file that the settings name, or from the one that comes along. @throws Fault `settings/wrong` */
export function readImageTypes(path: string | undefined): ImageTypes {
  const shown = path ?? 'image-types.toml';
  try {
    const { pythons, ...types } = file.parse(parse(readFileSync(path ?? shipped, 'utf8')));
    return {
      pythons,
      types: new Map(
        imageTypeNames.flatMap((name) => {
          const type = types[name];
          if (type === undefined) return [];
          return [
            [name, { summary: type.summary, requirements: type.requirements, osPackages: type.os_packages }] as const,
          ];
        }),
      ),
    };
  } catch (thrown) {
    const why =
      thrown instanceof z.ZodError ? z.prettifyError(thrown).split('\n').join(' ') : String((thrown as Error).message);
    throw new Fault('settings/wrong', {
      what: `The image types in ${shown} cannot be used: ${why}`,
      subject: 'image_types',
      hint: 'docs/settings.md shows how the file is written.',
      cause: thrown,
    });
  }
}

/** What an image type adds to a build. */
export type TypeAddition = {
  readonly requirements: readonly string[];
  readonly osPackages: readonly string[];
  /** The versions of the system image, as pins. */
  readonly preferences: readonly string[];
};

/** What the image type of a spec adds to it, and the versions of its system image, whose layers are then shared. */
export async function additionOfType(context: InstanceContext, spec: Spec): Promise<TypeAddition> {
  const type = spec.imageType === undefined ? undefined : context.imageTypes.types.get(spec.imageType);
  if (spec.imageType === undefined || type === undefined) return { requirements: [], osPackages: [], preferences: [] };
  const { python } = outlineOf(spec, context.rules.defaultPython);
  const system = await context.db
    .selectFrom('images')
    .innerJoin('versions', 'versions.id', 'images.current_version_id')
    .where('images.role', '=', 'SYSTEM')
    .where('images.image_type', '=', spec.imageType)
    .where('images.python_version', '=', python)
    .where('images.removed_at', 'is', null)
    .select('versions.libraries')
    .executeTakeFirst();
  return {
    requirements: type.requirements,
    osPackages: type.osPackages,
    preferences: (system?.libraries ?? []).map(({ name, version }) => `${name}==${version}`),
  };
}
