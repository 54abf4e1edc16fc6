/** The use cases that the original names. What each holds is data of the instance. */
export const imageTypeNames = ['all', 'images', 'nlp', 'tabular', 'security'] as const;

/** The name of an image type. */
export type ImageTypeName = (typeof imageTypeNames)[number];

/** The word of the original's 0.20 line for an image type; `…_DEFAULT` is none. */
export function wireImageType(name: ImageTypeName | null | undefined): string {
  return `BASE_IMAGE_TYPE_${(name ?? 'default').toUpperCase()}`;
}

/** The image type that a request names, in either spelling; undefined for the plain base. */
export function imageTypeOf(text: string | undefined | null): ImageTypeName | undefined {
  const word = (text ?? '').replace(/^BASE_IMAGE_TYPE_/, '').toLowerCase();
  return imageTypeNames.find((name) => name === word);
}
