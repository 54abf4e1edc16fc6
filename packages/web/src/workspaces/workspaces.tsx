import { useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { isAdministrator, meQuery, workspacesQuery } from '../api/queries.ts';
import { counted } from '../format/size.ts';
import { Heading } from '../parts/heading.tsx';
import { Time } from '../parts/time.tsx';
import classes from './workspaces.module.css';

const roleNames = { admin: 'Administrator', vp: 'VP', member: 'Member', viewer: 'Viewer' } as const;

/** The workspaces of whoever signed in; administrators of the organization see the others as well. */
export function Workspaces() {
  const { data: me } = useSuspenseQuery(meQuery);
  const { data } = useSuspenseQuery(workspacesQuery);
  const roles = new Map(me.workspaces.map(({ name, role }) => [name, role]));
  const shown = isAdministrator(me) ? data.workspaces : data.workspaces.filter(({ name }) => roles.has(name));
  return (
    <>
      <Heading title="Workspaces" about="A workspace is a team's corner of the instance. Images belong to all of them.">
        Workspaces
      </Heading>
      {shown.length === 0 && (
        <p>You belong to no workspace yet. An administrator of one, or of the organization, can add you.</p>
      )}
      <ul className={classes['list']}>
        {shown.map(({ name, members, createdAt }) => {
          const role = roles.get(name);
          return (
            <li key={name} className={classes['card']}>
              <Link to="/workspaces/$workspace" params={{ workspace: name }} className={classes['name']}>
                {name}
              </Link>
              <p className={classes['facts']}>
                {role === undefined ? 'You are not a member' : roleNames[role]} · {counted(members, 'member')} · made{' '}
                <Time at={createdAt} />
              </p>
            </li>
          );
        })}
      </ul>
    </>
  );
}
