import type { InstanceContext } from '../instance-context.ts';
import { outlineOf } from './creation.ts';
import type { ImageTypeName } from './image-type.ts';
import type { Spec } from './spec.ts';

/** What an image type holds: what people of that trade import first. Without torch, which comes from the default index as several gigabytes of CUDA. */
export const imageTypes: Readonly<
  Record<ImageTypeName, { readonly summary: string; readonly requirements: readonly string[] }>
> = {
  tabular: {
    summary: 'Tables: pandas, scikit-learn, lightgbm',
    requirements: ['pandas', 'scikit-learn', 'lightgbm', 'pyarrow'],
  },
  nlp: {
    summary: 'Texts: tokenizers, transformers, datasets',
    requirements: ['tokenizers', 'transformers', 'datasets', 'nltk'],
  },
  images: {
    summary: 'Pictures: pillow, scikit-image, opencv',
    requirements: ['pillow', 'scikit-image', 'opencv-python-headless'],
  },
  security: {
    summary: 'Checking models and files: cryptography, pyyaml, safetensors',
    requirements: ['cryptography', 'pyyaml', 'safetensors', 'requests'],
  },
  all: {
    summary: 'All of the others',
    requirements: [
      'pandas',
      'scikit-learn',
      'lightgbm',
      'pyarrow',
      'tokenizers',
      'transformers',
      'datasets',
      'nltk',
      'pillow',
      'scikit-image',
      'opencv-python-headless',
      'cryptography',
      'pyyaml',
      'safetensors',
      'requests',
    ],
  },
};

/** What the image type of a spec adds to it, and the versions of the system image, whose layers are then shared. */
export async function requirementsOfType(
  context: InstanceContext,
  spec: Spec,
): Promise<{ readonly requirements: readonly string[]; readonly preferences: readonly string[] }> {
  if (spec.imageType === undefined) return { requirements: [], preferences: [] };
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
    requirements: imageTypes[spec.imageType].requirements,
    preferences: (system?.libraries ?? []).map(({ name, version }) => `${name}==${version}`),
  };
}
