import { QueryCache, QueryClient, queryOptions } from '@tanstack/react-query';
import { onReturn } from '../connection/connection.ts';
import { call } from './call.ts';
import { isApiFault } from './fault.ts';

/** What was asked so recently is not asked again when a view opens. */
const freshMilliseconds = 5_000;

/** What the instance answered, kept and kept up to date. Told when a session has ended, so that somebody signs in again. */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  const client = new QueryClient({
    queryCache: new QueryCache({
      onError: (thrown, query) => {
        // The question who is there is asked, and answered, by the way into the views.
        if (isApiFault(thrown, 'access/unauthenticated') && query.queryKey[0] !== 'me') onSignedOut();
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: freshMilliseconds,
        // A fault is shown where it belongs. What is away is looked for by the connection, and asked again on its return.
        retry: (count, thrown) => count < 1 && isApiFault(thrown) && thrown.status >= 500,
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
  onReturn(() => void client.invalidateQueries());
  return client;
}

/** Who is signed in, and their workspaces. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => call('getMe', { signal }),
  staleTime: 60_000,
});

/** Whether somebody is an administrator of the organization, or has the rights of one. */
export function isAdministrator(me: { readonly user: { readonly role: string } }): boolean {
  return me.user.role === 'admin' || me.user.role === 'support';
}

/** All workspaces. */
export const workspacesQuery = queryOptions({
  queryKey: ['workspaces'],
  queryFn: ({ signal }) => call('listWorkspaces', { signal }),
});

/** Named sets of packages for a use case. */
export const imageTypesQuery = queryOptions({
  queryKey: ['image-types'],
  queryFn: ({ signal }) => call('listImageTypes', { signal }),
});

/** What images are built on, and the Python that each has. */
export const basesQuery = queryOptions({
  queryKey: ['bases'],
  queryFn: ({ signal }) => call('listBases', { signal }),
});
