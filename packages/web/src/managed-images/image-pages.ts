import { infiniteQueryOptions } from '@tanstack/react-query';
import { call } from '../api/call.ts';
import type { ImageFilter } from './image-filter.ts';

/** So many images come at a time: a few screens. */
const pageSize = 100;

/** The images that a filter lets through, page by page. */
export function imagePagesQuery({ q, status, type, python, creator, role, sort }: ImageFilter) {
  return infiniteQueryOptions({
    queryKey: ['images', 'list', { q, status, type, python, creator, role, sort }],
    queryFn: ({ pageParam, signal }) =>
      call('searchImages', {
        query: {
          ...{ q, status, imageType: type, python, creator, roleType: role },
          sort: sort ?? '-createdAt',
          pageSize,
          pageToken: pageParam,
        },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextPageToken,
    retry: false,
    // Changes come by themselves; many pages are too much to fetch for each look at another window.
    refetchOnWindowFocus: false,
  });
}
