import { useSuspenseQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { ApiFault } from '../../api/fault.ts';
import { meQuery, workspacesQuery } from '../../api/queries.ts';
import { FaultMessage } from '../../parts/fault-message.tsx';
import { Heading } from '../../parts/heading.tsx';
import { Sections, sectionClass } from '../../parts/sections.tsx';

const sections = [
  ['General', '/workspaces/$workspace/settings/general'],
  ['Members', '/workspaces/$workspace/settings/members'],
  ['API Access Tokens', '/workspaces/$workspace/settings/api-access-tokens'],
  ['Managed Images', '/workspaces/$workspace/settings/managed-images'],
] as const;

/** The Workspace page: what can be set in a workspace, one pane for each kind of thing. */
export function Settings() {
  const { workspace } = useParams({ from: '/shell/workspaces/$workspace/settings' });
  const { data } = useSuspenseQuery(workspacesQuery);
  const { data: me } = useSuspenseQuery(meQuery);
  const isKnown = data.workspaces.some(({ name }) => name === workspace);
  if (!isKnown) return <UnknownWorkspace name={workspace} first={me.workspaces[0]?.name} />;
  return (
    <Sections
      name="Workspace"
      heading={
        <Heading title={`Workspace ${workspace}`} about={workspace}>
          Workspace
        </Heading>
      }
      links={sections.map(([name, to]) => (
        <Link key={to} to={to} params={{ workspace }} className={sectionClass}>
          {name}
        </Link>
      ))}
    />
  );
}

/** At the address of a workspace that there is not. */
export function UnknownWorkspace({ name, first }: { readonly name: string; readonly first: string | undefined }) {
  return (
    <>
      <Heading title="Not found">There is no such workspace</Heading>
      <FaultMessage
        fault={
          new ApiFault({
            status: 404,
            detail: `There is no workspace named “${name}”`,
            hint: 'It may have been deleted, or the address is mistyped.',
          })
        }
      >
        {first === undefined ? (
          <Link to="/workspaces">Go to the workspaces</Link>
        ) : (
          <Link to="/workspaces/$workspace" params={{ workspace: first }}>
            Go to {first}
          </Link>
        )}
      </FaultMessage>
    </>
  );
}
