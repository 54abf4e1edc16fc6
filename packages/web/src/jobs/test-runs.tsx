import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { call } from '../api/call.ts';
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
          <Table.ScrollContainer minWidth={720}>
            <Table verticalSpacing="sm" className={classes['table'] ?? ''}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Command</Table.Th>
                  <Table.Th>Image</Table.Th>
                  <Table.Th>Status</Table.Th>
                  <Table.Th>By</Table.Th>
                  <Table.Th>Asked for</Table.Th>
                  <Table.Th>Took</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {known.map((run) => (
                  <Table.Tr key={run.id}>
                    <Table.Td className={classes['command'] ?? ''}>
                      <Link to="/test-runs/$id" params={{ id: run.id }} className="code">
                        {run.command.join(' ')}
                      </Link>
                    </Table.Td>
                    <Table.Td>
                      {run.image.isExternal ? (
                        run.image.name
                      ) : (
                        <Link to="/images/$name" params={{ name: run.image.name }}>
                          {run.image.name}
                        </Link>
                      )}{' '}
                      {run.image.version !== null && <span className={classes['quiet']}>v{run.image.version}</span>}
                    </Table.Td>
                    <Table.Td>
                      <JobChip status={run.status} />
                      {run.queuePosition !== null && (
                        <div className={classes['quiet']}>number {run.queuePosition} in the queue</div>
                      )}
                      {run.exitStatus !== null && run.exitStatus !== 0 && (
                        <div className={classes['quiet']}>exit status {run.exitStatus}</div>
                      )}
                    </Table.Td>
                    <Table.Td>{run.creator ?? '–'}</Table.Td>
                    <Table.Td>
                      <Time at={run.createdAt} />
                    </Table.Td>
                    <Table.Td className="number">{durationOf(run)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )
      }
    </Pane>
  );
}
