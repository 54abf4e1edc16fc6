import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { call } from '../api/call.ts';
import { DataTable } from '../parts/data-table.tsx';
import { Pane } from '../parts/pane.tsx';
import { Time } from '../parts/time.tsx';
import { durationOf } from './builds.tsx';
import { JobChip } from './job-chip.tsx';
import classes from './jobs.module.css';

const shownRuns = 200;

/** The test runs of one's workspaces, the newest first. */
export function TestRuns() {
  const runs = useQuery({
    queryKey: ['runs'],
    queryFn: ({ signal }) => call('listTestRuns', { query: { limit: shownRuns }, signal }),
    // Runs are not told of as builds are: whoever opens the list sees how they stand now.
    refetchOnMount: 'always',
  });
  return (
    <Pane query={runs} height={320}>
      {({ runs: known }) =>
        known.length === 0 ? (
          <p>
            No test has been run yet. Run one with <code className="code">mir run --image NAME -- COMMAND</code> or from
            the Python SDK.
          </p>
        ) : (
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
                      <div className={classes['quiet']}>number {run.queuePosition} in the queue</div>
                    )}
                    {run.exitStatus !== null && run.exitStatus !== 0 && (
                      <div className={classes['quiet']}>exit status {run.exitStatus}</div>
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
        )
      }
    </Pane>
  );
}
