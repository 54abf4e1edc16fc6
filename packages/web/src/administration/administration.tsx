import { useSuspenseQuery } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { ApiFault } from '../api/fault.ts';
import { isAdministrator, meQuery } from '../api/queries.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import classes from '../workspaces/settings/settings.module.css';

const sections = [
  ['Updates', '/administration/updates'],
  ['Bases and image types', '/administration/bases'],
  ['People', '/administration/people'],
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
    <div className={classes['page']}>
      <div className={classes['side']}>
        <Heading title="Administration" about="The whole instance">
          Administration
        </Heading>
        <nav aria-label="Administration">
          <ul className={classes['sections']}>
            {sections.map(([name, to]) => (
              <li key={to}>
                <Link to={to} className={classes['section']}>
                  {name}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
      </div>
      <div className={classes['pane']}>
        <Outlet />
      </div>
    </div>
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
