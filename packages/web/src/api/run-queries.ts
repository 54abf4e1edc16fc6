import { queryOptions } from '@tanstack/react-query';
import { call } from './call.ts';

/** How a test run stands, or ended. */
export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ['run', id],
    queryFn: ({ signal }) => call('getTestRun', { params: { id }, signal }),
  });
