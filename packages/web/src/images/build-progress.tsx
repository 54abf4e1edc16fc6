import { Progress } from '@mantine/core';
import type { JobDetails } from '../api/types.ts';
import { formatDuration } from '../format/time.ts';
import classes from './build-progress.module.css';
import { activityOf, doneOf } from './build-stage.ts';

/** How far a build is: its stage, a bar where bytes are counted, and the time that is left. */
export function BuildProgress({ job }: { readonly job: JobDetails }) {
  const done = doneOf(job);
  const { secondsLeft } = job.progress;
  return (
    <div className={classes['progress']}>
      <div className={classes['words']}>
        <span>{activityOf(job)}</span>
        {secondsLeft !== null && secondsLeft > 0 && <span>{formatDuration(secondsLeft)} left</span>}
      </div>
      {job.status === 'RUNNING' && (
        <Progress
          value={done === undefined ? 100 : done * 100}
          animated={done === undefined}
          size="xs"
          aria-label="Progress of the build"
          {...(done === undefined && { 'aria-valuetext': activityOf(job) })}
        />
      )}
    </div>
  );
}
