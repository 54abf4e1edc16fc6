/** How a list is fetched that comes page by page: each page tells the token of the next one, and the first has none. */
export const byPageToken = {
  initialPageParam: '',
  getNextPageParam: (last: { readonly nextPageToken?: string | undefined }) => last.nextPageToken,
} as const;
