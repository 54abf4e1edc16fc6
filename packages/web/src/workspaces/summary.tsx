import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { call } from '../api/call.ts';
import { isApiFault } from '../api/fault.ts';
import { meQuery, workspacesQuery } from '../api/queries.ts';
import type { ImageSummary, TestRun } from '../api/types.ts';
import { counted, formatSize } from '../format/size.ts';
import { BuildProgress } from '../images/build-progress.tsx';
import { useLiveImages } from '../images/live-images.ts';
import { StatusChip } from '../images/status-chip.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import { Time } from '../parts/time.tsx';
import { FirstSteps } from './first-steps.tsx';
import { roleName } from './role-name.ts';
import { UnknownWorkspace } from './settings/settings.tsx';
import classes from './summary.module.css';

const shown = 6;

/** What a workspace is at a glance: its images, what is being built, its test runs; on an empty instance, what to do first. */
export function Summary() {
  const { workspace } = useParams({ from: '/shell/workspaces/$workspace' });
  const { data: me } = useSuspenseQuery(meQuery);
  const { data } = useSuspenseQuery(workspacesQuery);
  const role = me.workspaces.find(({ name }) => name === workspace)?.role;
  const found = data.workspaces.find(({ name }) => name === workspace);
  if (found === undefined) return <UnknownWorkspace name={workspace} first={me.workspaces[0]?.name} />;
  return (
    <>
      <Heading
        title={workspace}
        about={`${counted(found.members, 'member')} · ${role === undefined ? 'you are not one of them' : `you are ${roleName(role)}`}`}
      >
        {workspace}
      </Heading>
      <Contents workspace={workspace} />
    </>
  );
}

function Contents({ workspace }: { readonly workspace: string }) {
  const all = useQuery({
    queryKey: ['images', 'any'],
    queryFn: ({ signal }) => call('searchImages', { query: { pageSize: 1, roleType: 'USER_DEFINED' }, signal }),
    retry: false,
  });
  const images = useQuery({
    queryKey: ['images', 'of-workspace', workspace],
    queryFn: ({ signal }) =>
      call('searchImages', { query: { workspace, pageSize: shown, sort: '-updatedAt' }, signal }),
    retry: false,
  });
  const runs = useQuery({
    queryKey: ['runs', 'latest'],
    queryFn: ({ signal }) => call('listTestRuns', { query: { limit: 50 }, signal }),
    retry: false,
  });
  const builds = useLiveImages();
  if (isApiFault(all.error, 'image/disabled')) return <p>{all.error.message}.</p>;
  return (
    <>
      {all.data?.total === 0 && <FirstSteps workspace={workspace} />}
      <div className={classes['grid']}>
        <Card
          title="Images made here"
          more={
            <Link to="/workspaces/$workspace/settings/managed-images" params={{ workspace }}>
              All managed images
            </Link>
          }
        >
          <Pane query={images}>
            {({ images: found }) =>
              found.length === 0 ? (
                <p className={classes['none']}>None yet. Images of other workspaces can be used here as well.</p>
              ) : (
                <ul className={classes['lines']}>
                  {found.map((image) => (
                    <ImageLine key={image.name} image={image} />
                  ))}
                </ul>
              )
            }
          </Pane>
        </Card>
        <Card title="Being built now">
          {builds.size === 0 ? (
            <p className={classes['none']}>Nothing at the moment.</p>
          ) : (
            <ul className={classes['lines']}>
              {[...builds].slice(0, shown).map(([name, job]) => (
                <li key={name}>
                  <Link to="/images/$name" params={{ name }} className={classes['name']}>
                    {name}
                  </Link>
                  <BuildProgress job={job} />
                </li>
              ))}
            </ul>
          )}
        </Card>
        <Card title="Test runs">
          <Pane query={runs}>
            {({ runs: found }) => <Runs runs={found.filter((run) => run.workspace === workspace).slice(0, shown)} />}
          </Pane>
        </Card>
      </div>
    </>
  );
}

function ImageLine({ image }: { readonly image: ImageSummary }) {
  return (
    <li>
      <Link to="/images/$name" params={{ name: image.name }} className={classes['name']}>
        {image.name}
      </Link>
      <span className={classes['aside']}>
        {image.sizeBytes !== null && <span>{formatSize(image.sizeBytes)}</span>}
        <StatusChip status={image.status} />
      </span>
    </li>
  );
}

function Runs({ runs }: { readonly runs: readonly TestRun[] }) {
  if (runs.length === 0) return <p className={classes['none']}>None yet.</p>;
  return (
    <ul className={classes['lines']}>
      {runs.map((run) => (
        <li key={run.id}>
          <Link to="/test-runs/$id" params={{ id: run.id }} className={`code ${classes['name']}`}>
            {run.command.join(' ')}
          </Link>
          <span className={classes['aside']}>
            <span>{run.status.toLowerCase()}</span>
            <Time at={run.createdAt} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Card({
  title,
  more,
  children,
}: {
  readonly title: string;
  readonly more?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className={classes['card']}>
      <header>
        <h2>{title}</h2>
        {more}
      </header>
      {children}
    </section>
  );
}
