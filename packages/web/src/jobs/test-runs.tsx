import { Link } from '@tanstack/react-router';
import { DataTable } from '../parts/data-table.tsx';
import { PagedPane } from '../parts/paged-pane.tsx';
import { Time } from '../parts/time.tsx';
import { durationOf } from './builds.tsx';
import { JobChip } from './job-chip.tsx';
import classes from './jobs.module.css';
import { useLiveRuns } from './live-runs.ts';

/** The test runs of one's workspaces, the newest first. */
export function TestRuns() {
  const pages = useLiveRuns();
  return (
    <PagedPane
      pages={pages}
      itemsOf={(page) => page.runs}
      height={320}
      whenEmpty={
        <>
          No test has been run yet. Run one with <code className="code">mir run --image NAME -- COMMAND</code> or from
          the Python SDK.
        </>
      }
    >
      {(known) => (
        <DataTable label="Test runs" minWidth={720}>
          <thead>
            <tr>
              <th scope="col">Command</th>
              <th scope="col">Image</th>
              <th scope="col">Status</th>
              <th scope="col">By</th>
              <th scope="col">Asked for</th>
              <th scope="col" data-number>
                Took
              </th>
            </tr>
          </thead>
          <tbody>
            {known.map((run) => (
              <tr key={run.id}>
                <td className={classes['command'] ?? ''}>
                  <Link to="/test-runs/$id" params={{ id: run.id }} className="code">
                    {run.command.join(' ')}
                  </Link>
                </td>
                <td>
                  {run.image.isExternal ? (
                    run.image.name
                  ) : (
                    <Link to="/images/$name" params={{ name: run.image.name }}>
                      {run.image.name}
                    </Link>
                  )}{' '}
                  {run.image.version !== null && <span className={classes['quiet']}>v{run.image.version}</span>}
                </td>
                <td>
                  <JobChip status={run.status} />
                  {run.queuePosition !== null && (
                    <span className={classes['waiting']}>Waiting, number {run.queuePosition}</span>
                  )}
                  {run.exitStatus !== null && run.exitStatus !== 0 && (
                    <span className={classes['waiting']}>exit status {run.exitStatus}</span>
                  )}
                </td>
                <td>{run.creator ?? '–'}</td>
                <td>
                  <Time at={run.createdAt} />
                </td>
                <td data-number>{durationOf(run)}</td>
              </tr>
            ))}
          </tbody>
        </DataTable>
      )}
    </PagedPane>
  );
}
