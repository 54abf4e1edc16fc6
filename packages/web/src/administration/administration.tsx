import { useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ApiFault } from '../api/fault.ts';
import { isAdministrator, meQuery } from '../api/queries.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Sections, sectionClass } from '../parts/sections.tsx';

const sections = [
  ['Updates', '/administration/updates'],
  ['Bases and image types', '/administration/bases'],
  ['Workspaces', '/administration/workspaces'],
  ['People', '/administration/people'],
  ['Tokens', '/administration/tokens'],
  ['Storage', '/administration/storage'],
  ['Removed images', '/administration/removed-images'],
  ['Settings in effect', '/administration/settings'],
  ['Audit log', '/administration/audit'],
] as const;

/** What only administrators of the organization see and do. */
export function Administration() {
  const { data: me } = useSuspenseQuery(meQuery);
  if (!isAdministrator(me)) return <NotAllowed />;
  return (
    <Sections
      name="Administration"
      heading={
        <Heading title="Administration" about="The whole instance">
          Administration
        </Heading>
      }
      links={sections.map(([name, to]) => (
        <Link key={to} to={to} className={sectionClass}>
          {name}
        </Link>
      ))}
    />
  );
}

function NotAllowed() {
  return (
    <>
      <Heading title="Not allowed">Administration</Heading>
      <FaultMessage
        fault={
          new ApiFault({
            status: 403,
            detail: 'Only administrators of the organization see this',
            hint: 'Ask one of them for what you need, or for the role.',
          })
        }
      />
    </>
  );
}
