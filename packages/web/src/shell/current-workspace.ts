import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useEffect } from 'react';
import { meQuery, workspacesQuery } from '../api/queries.ts';

const key = 'mir-workspace';

/**
 * The workspace that the view is in; on views of the instance the one that was looked at last, else the first of one's own.
 * Undefined for who belongs to none.
 */
export function useCurrentWorkspace(): string | undefined {
  const { workspace } = useParams({ strict: false });
  const { data: me } = useSuspenseQuery(meQuery);
  useEffect(() => {
    if (workspace !== undefined) remember(workspace);
  }, [workspace]);
  const last = remembered();
  // It may have been deleted since.
  const known = useQuery({ ...workspacesQuery, enabled: workspace === undefined && last !== undefined });
  const isGone = known.data !== undefined && !known.data.workspaces.some(({ name }) => name === last);
  return workspace ?? (isGone ? undefined : last) ?? me.workspaces[0]?.name;
}

function remember(workspace: string): void {
  try {
    sessionStorage.setItem(key, workspace);
  } catch {
    // A browser that keeps nothing begins with the first one.
  }
}

function remembered(): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}
