import { keepPreviousData, queryOptions, useQueries, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { call } from '../api/call.ts';
import type { ImageSummary } from '../api/types.ts';
import type { ImageFilter } from './image-filter.ts';
import { firstOrder } from './image-order.ts';

/** So many images come at a time: a few screens. */
const pageSize = 100;
/** The next page is asked for when so few rows are left to it. */
const rowsAhead = 30;
/** Pages that somebody only passes on the way to another place are not asked for. */
const passingMilliseconds = 90;
/** The instance counts no further with a page. */
const countLimit = 1000;
/** Changes come by themselves; what is out of sight is asked for when it is looked at again. */
const quiet = { retry: false, refetchOnWindowFocus: false } as const;

/** What the API takes for a filter. */
export function searchOf({ q, status, type, python, creator, role, sort }: ImageFilter) {
  return { q, status, imageType: type, python, creator, roleType: role, sort: sort ?? firstOrder };
}

/** Says which list a filter makes: equal for equal filters. */
export function keyOf(filter: ImageFilter): string {
  return JSON.stringify(searchOf(filter));
}

/** A page of the images that a filter lets through. */
function pageQuery(filter: ImageFilter, page: number) {
  const search = searchOf(filter);
  return queryOptions({
    queryKey: ['images', 'list', search, page],
    queryFn: ({ signal }) => call('searchImages', { query: { ...search, pageSize, offset: page * pageSize }, signal }),
    ...quiet,
  });
}

/**
 * The beginning of a list, and how many images are in it. While another filter is on its way, what is shown stays: nothing flickers
 * while somebody types.
 */
export function useImageList(filter: ImageFilter) {
  const first = useQuery({ ...pageQuery(filter, 0), placeholderData: keepPreviousData });
  const search = searchOf(filter);
  // Kept apart from the pages: counting goes through all images, and nobody has to wait for it to see the first ones.
  const count = useQuery({
    queryKey: ['images', 'count', search],
    queryFn: ({ signal }) => call('countImages', { query: search, signal }),
    placeholderData: keepPreviousData,
    ...quiet,
  });
  const [shown, setShown] = useState(filter);
  const isOld = first.isPlaceholderData;
  if (first.data !== undefined && !isOld && keyOf(shown) !== keyOf(filter)) setShown(filter);
  const isWhole = first.data?.nextPageToken === undefined;
  // What was counted before belongs to what was shown before.
  const counted = count.isPlaceholderData && !isOld ? undefined : count.data?.total;
  const known = counted ?? Math.min(first.data?.total ?? 0, countLimit);
  return {
    /** The filter whose images are shown. */
    filter: shown,
    total: first.data === undefined ? undefined : isWhole ? first.data.images.length : Math.max(known, pageSize + 1),
    isCounted: isWhole || counted !== undefined,
    isFetching: first.isFetching,
    error: first.error ?? count.error,
    tryAgain: () => void Promise.all([first.refetch(), count.refetch()]),
  };
}

/** Images by their place in a list, where those around a few places that are looked at are known. */
export type KnownImages = {
  /** The image at a place; undefined while it is on its way, null where there is none any more. */
  readonly at: (place: number) => ImageSummary | null | undefined;
  /** Where an image is; undefined when it is not among those that are looked at. */
  readonly placeOf: (name: string) => number | undefined;
  /** Another one whenever another image is at some place. */
  readonly version: string;
  readonly error: Error | null;
};

/** The images around the places that are looked at, from wherever in the list. */
export function useImagesAround(filter: ImageFilter, first: number, last: number): KnownImages {
  const wanted = usePagesAround(first, last);
  const results = useQueries({ queries: wanted.map((page) => pageQuery(filter, page)) });
  const pages = new Map(wanted.map((page, at) => [page, results[at]?.data]));
  return {
    at: (place) => {
      const page = pages.get(Math.floor(place / pageSize));
      return page === undefined ? undefined : (page.images[place % pageSize] ?? null);
    },
    placeOf: (name) => {
      for (const [page, answer] of pages) {
        const place = answer?.images.findIndex((image) => image.name === name) ?? -1;
        if (place >= 0) return page * pageSize + place;
      }
      return undefined;
    },
    version: results.map(({ dataUpdatedAt }, at) => `${wanted[at]}:${dataUpdatedAt}`).join(' '),
    error: results.find(({ error }) => error !== null)?.error ?? null,
  };
}

/** The pages around some places: at once those beside the ones that were asked for, others when the list has come to rest there. */
function usePagesAround(first: number, last: number): readonly number[] {
  const from = Math.floor(Math.max(0, first - rowsAhead) / pageSize);
  const to = Math.floor((last + rowsAhead) / pageSize);
  const [rested, setRested] = useState({ from, to });
  const isBeside = from <= rested.to + 1 && to >= rested.from - 1;
  if (isBeside && (from !== rested.from || to !== rested.to)) setRested({ from, to });
  useEffect(() => {
    if (isBeside) return;
    const timer = setTimeout(() => setRested({ from, to }), passingMilliseconds);
    return () => clearTimeout(timer);
  }, [isBeside, from, to]);
  const { from: begin, to: end } = isBeside ? { from, to } : rested;
  return Array.from({ length: end - begin + 1 }, (_, at) => begin + at);
}
