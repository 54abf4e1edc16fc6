import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { addressOf, call } from '../api/call.ts';
import { byPageToken } from '../api/paging.ts';
import type { Operations, TestRun } from '../api/types.ts';
import { useEvents } from '../connection/use-events.ts';
import { useAskingAgain } from './use-asking-again.ts';

type Page = Operations['listTestRuns']['answer'];

const pageSize = 100;
const queryKey = ['runs', 'list'] as const;

/** The test runs that one may see, page by page, as they are now: changes are told by the instance. */
export function useLiveRuns() {
  const queryClient = useQueryClient();
  const askAgain = useAskingAgain(queryKey);
  const wasReady = useRef(false);
  useEvents(addressOf('followTestRuns'), {
    run: (data) => {
      const run = data as TestRun;
      void queryClient.invalidateQueries({ queryKey: ['run', run.id], exact: true });
      const known = queryClient.getQueryData<InfiniteData<Page>>(queryKey);
      const changed = known === undefined ? undefined : withRun(known, run);
      if (changed === undefined) return askAgain();
      queryClient.setQueryData(queryKey, changed);
      // The list that is on its way may be older than this, and would be shown in its place.
      if (queryClient.isFetching({ queryKey, exact: true }) > 0) askAgain();
      // What no longer waits has moved up all that do.
      if (changed.pages.some((page) => page.runs.some(({ status }) => status === 'QUEUED'))) askAgain();
    },
    many: askAgain,
    ready: () => {
      // What happened while nobody listened is seen by asking again.
      if (wasReady.current) askAgain();
      wasReady.current = true;
    },
  });
  return useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      call('listTestRuns', { query: { limit: pageSize, pageToken: pageParam }, signal }),
    ...byPageToken,
    refetchOnMount: 'always',
  });
}

/** The list with a run as it is now; undefined when that is not in it. */
function withRun(list: InfiniteData<Page>, run: TestRun): InfiniteData<Page> | undefined {
  if (!list.pages.some((page) => page.runs.some(({ id }) => id === run.id))) return undefined;
  const pages = list.pages.map((page) => ({ ...page, runs: page.runs.map((one) => (one.id === run.id ? run : one)) }));
  return { ...list, pages };
}
