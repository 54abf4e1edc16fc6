import { useSuspenseQuery } from '@tanstack/react-query';
import { useParams, useSearch } from '@tanstack/react-router';
import { imageQuery } from '../api/image-queries.ts';
import type { ImageDetails } from '../api/types.ts';

/** The image of the view, and the number of the version that it is about: the one in the address, else the one in use, else the latest. */
export function useShownVersion(): { readonly image: ImageDetails; readonly number: number } {
  const { name } = useParams({ from: '/shell/images/$name' });
  const { version } = useSearch({ strict: false });
  const { data } = useSuspenseQuery(imageQuery(name));
  return { image: data.image, number: version ?? data.image.currentVersion ?? data.image.latestVersion.number };
}
