import { useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { meQuery, workspacesQuery } from '../../api/queries.ts';
import { Facts } from '../../parts/facts.tsx';
import { Heading } from '../../parts/heading.tsx';
import { Time } from '../../parts/time.tsx';
import { roleName } from '../role-name.ts';

/** What a workspace is. */
export function General() {
  const { workspace } = useParams({ from: '/shell/workspaces/$workspace/settings/general' });
  const { data } = useSuspenseQuery(workspacesQuery);
  const { data: me } = useSuspenseQuery(meQuery);
  const found = data.workspaces.find(({ name }) => name === workspace);
  const role = me.workspaces.find(({ name }) => name === workspace)?.role;
  return (
    <>
      <Heading order={2} title={`General · ${workspace}`}>
        General
      </Heading>
      <Facts
        facts={[
          ['Name', workspace],
          ['Made', found === undefined ? '–' : <Time key="made" at={found.createdAt} />],
          ['Members', found === undefined ? '–' : String(found.members)],
          ['Your role', role === undefined ? 'You are not a member' : roleName(role)],
        ]}
      />
    </>
  );
}
