import type { ImageFilter } from './image-filter.ts';

/** What narrows a list to who created the images. */
export type CreatorChoiceProps = {
  readonly filter: Pick<ImageFilter, 'creator' | 'role'>;
  readonly onChange: (part: { readonly creator: string; readonly role: string }) => void;
};

/** Of the field, before and after it can be chosen in. */
export const widthOfChoice = 172;
