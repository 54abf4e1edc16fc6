import { Button } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { call } from '../api/call.ts';
import { byPageToken } from '../api/paging.ts';
import { isAdministrator, meQuery } from '../api/queries.ts';
import type { JobDetails, Operations } from '../api/types.ts';
import { formatDuration } from '../format/time.ts';
import { BuildProgress } from '../images/build-progress.tsx';
import { activityOf } from '../images/build-stage.ts';
import { useLiveImages } from '../images/live-images.ts';
import { ActionsHead, DataTable } from '../parts/data-table.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { PagedPane } from '../parts/paged-pane.tsx';
import { Time } from '../parts/time.tsx';
import { JobChip } from './job-chip.tsx';
import classes from './jobs.module.css';
import { useAskingAgain } from './use-asking-again.ts';

const pageSize = 100;
const queryKey = ['jobs'] as const;

/** Builds that run, wait in their order, and ended last. */
export function Builds() {
  const queryClient = useQueryClient();
  const askAgain = useAskingAgain(queryKey);
  const builds = useLiveImages();
  const pages = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => call('listJobs', { query: { limit: pageSize, pageToken: pageParam }, signal }),
    ...byPageToken,
  });
  // Which builds there are changes when one begins or ends; how far they are comes by itself.
  const underWay = [...new Set([...builds.values()].map(({ jobId, status }) => `${jobId} ${status}`))].sort().join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again whenever other builds are under way.
  useEffect(askAgain, [underWay]);
  const live = new Map([...builds.values()].map((job) => [job.jobId, job]));
  const cancelling = useMutation({
    mutationFn: (jobId: string) => call('cancelJob', { params: { jobId } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey }, { cancelRefetch: false }),
  });
  return (
    <PagedPane
      pages={pages}
      itemsOf={(page) => page.jobs}
      height={320}
      whenEmpty="Nothing has been built yet. A build begins when an image is created."
    >
      {(jobs) => (
        <>
          {cancelling.isError && <FaultMessage fault={cancelling.error} />}
          <DataTable label="Builds" minWidth={720}>
            <thead>
              <tr>
                <th scope="col">Image</th>
                <th scope="col">Status</th>
                <th scope="col">Asked for</th>
                <th scope="col" data-number>
                  Took
                </th>
                <ActionsHead />
              </tr>
            </thead>
            <tbody>
              {withoutRepeated(jobs).map((one) => {
                const job = one.finishedAt === null ? (live.get(one.jobId) ?? one) : one;
                return (
                  <BuildRow
                    key={job.jobId}
                    job={job}
                    isCancelling={cancelling.isPending && cancelling.variables === job.jobId}
                    onCancel={() => cancelling.mutate(job.jobId)}
                  />
                );
              })}
            </tbody>
          </DataTable>
        </>
      )}
    </PagedPane>
  );
}

/** A build that has ended while pages were fetched is on two of them. */
function withoutRepeated(jobs: readonly JobDetails[]): readonly JobDetails[] {
  return [...new Map(jobs.map((job) => [job.jobId, job])).values()];
}

type BuildRowProps = { readonly job: JobDetails; readonly isCancelling: boolean; readonly onCancel: () => void };

function BuildRow({ job, isCancelling, onCancel }: BuildRowProps) {
  const isOver = job.finishedAt !== null;
  const { data: me } = useSuspenseQuery(meQuery);
  const names = job.images.map(({ name }) => name).join(', ');
  return (
    <tr>
      <td>
        {job.images.length === 0 && <span className={classes['quiet']}>an image that was removed</span>}
        {job.images.map(({ name, version }) => (
          <div key={`${name} ${version}`}>
            <Link to="/images/$name" params={{ name }}>
              {name}
            </Link>{' '}
            <span className={classes['quiet']}>v{version}</span>
          </div>
        ))}
      </td>
      <td className={classes['state'] ?? ''}>
        <JobChip status={job.status} />
        {job.status === 'RUNNING' && <BuildProgress job={job} />}
        {job.status === 'QUEUED' && (
          <span className={classes['waiting']}>
            {activityOf(job)}
            {job.expectedStart !== null && (
              <>, begins {isSoon(job.expectedStart) ? 'any moment' : <Time at={job.expectedStart} />}</>
            )}
          </span>
        )}
        {job.failure !== null && <div className={classes['failure']}>{job.failure.what}</div>}
      </td>
      <td>
        <Time at={job.createdAt} />
        {job.priority !== 'interactive' && <div className={classes['quiet']}>{job.priority}</div>}
      </td>
      <td data-number>{durationOf(job)}</td>
      <td data-number>
        <span className={classes['actions']}>
          {job.images.slice(0, 1).map(({ name, version }) => (
            <Link
              key={name}
              to="/images/$name/build"
              params={{ name }}
              search={{ version }}
              aria-label={`Log of ${name}`}
            >
              Log
            </Link>
          ))}
          {!isOver && mayCancel(me, job) && (
            <Button
              size="compact-sm"
              variant="default"
              onClick={onCancel}
              loading={isCancelling}
              disabled={job.cancellationRequested}
              aria-label={`Cancel the build of ${names}`}
            >
              Cancel
            </Button>
          )}
        </span>
      </td>
    </tr>
  );
}

/** A build is cancelled by who may change an image that waits for it: the table of rights of the instance. */
function mayCancel(me: Operations['getMe']['answer'], job: JobDetails): boolean {
  return (
    isAdministrator(me) ||
    job.images.some(
      ({ creator, workspace }) =>
        creator === me.user.name || me.workspaces.some(({ name, role }) => name === workspace && role === 'admin'),
    )
  );
}

function isSoon(time: string): boolean {
  return Date.parse(time) - Date.now() < 10_000;
}

/** What a job took; waiting does not count. */
export function durationOf(job: { readonly startedAt: string | null; readonly finishedAt: string | null }): string {
  if (job.startedAt === null || job.finishedAt === null) return '–';
  return formatDuration((Date.parse(job.finishedAt) - Date.parse(job.startedAt)) / 1000);
}
