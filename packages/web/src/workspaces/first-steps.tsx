import { useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { isAdministrator, meQuery } from '../api/queries.ts';
import classes from './first-steps.module.css';

/** On an instance without images: what to do, one thing after the other. */
export function FirstSteps({ workspace }: { readonly workspace: string }) {
  const { data: me } = useSuspenseQuery(meQuery);
  const mayManage = isAdministrator(me) || me.workspaces.some((one) => one.name === workspace && one.role === 'admin');
  return (
    <section className={classes['steps']}>
      <h2>This instance has no images yet. What to do first</h2>
      <ol>
        <li>
          <Link to="/create-image">Create an image</Link>
          <p>
            Name the Python packages that your tests need. The first one takes a little longer: its base is made, too.
          </p>
        </li>
        <li>
          <Link to="/workspaces/$workspace/settings/api-access-tokens" params={{ workspace }}>
            Make an API access token
          </Link>
          <p>For the Python SDK, for docker login, and for the HTTP API.</p>
        </li>
        {mayManage && (
          <li>
            <Link to="/workspaces/$workspace/settings/members" params={{ workspace }}>
              Add members
            </Link>
            <p>They see every image, and create their own.</p>
          </li>
        )}
      </ol>
    </section>
  );
}
