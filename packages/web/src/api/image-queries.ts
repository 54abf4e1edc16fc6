import { queryOptions } from '@tanstack/react-query';
import { call } from './call.ts';

/** All that is known of an image. */
export const imageQuery = (name: string) =>
  queryOptions({
    queryKey: ['image', name, 'details'],
    queryFn: ({ signal }) => call('getImageDetails', { params: { name }, signal }),
  });

/** Who used an image. */
export const usageQuery = (name: string) =>
  queryOptions({
    queryKey: ['image', name, 'usage'],
    queryFn: ({ signal }) => call('getImageUsage', { params: { name }, signal }),
  });

/** The runs of an image that whoever asks may see, the newest first. */
export const runsQuery = (image: string, limit: number) =>
  queryOptions({
    queryKey: ['image', image, 'runs', limit],
    queryFn: ({ signal }) => call('listTestRuns', { query: { image, limit }, signal }),
  });

/** The versions of an image, the newest first. */
export const versionsQuery = (name: string) =>
  queryOptions({
    queryKey: ['image', name, 'versions'],
    queryFn: ({ signal }) => call('listVersions', { params: { name }, signal }),
  });

/** A version of an image, with what is in it. */
export const versionQuery = (name: string, number: number) =>
  queryOptions({
    queryKey: ['image', name, 'version', number],
    queryFn: ({ signal }) => call('getVersion', { params: { name, number: String(number) }, signal }),
  });

/** What is different between two versions of an image. */
export const differenceQuery = (name: string, from: number, to: number) =>
  queryOptions({
    queryKey: ['image', name, 'difference', from, to],
    queryFn: ({ signal }) => call('diffImages', { query: { from: `${name}:${from}`, to: `${name}:${to}` }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
