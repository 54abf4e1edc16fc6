import { useParams } from '@tanstack/react-router';
import { Heading } from '../parts/heading.tsx';

/** What a workspace is at a glance. */
export function Summary() {
  const { workspace } = useParams({ from: '/shell/workspaces/$workspace' });
  return <Heading title={workspace}>{workspace}</Heading>;
}
