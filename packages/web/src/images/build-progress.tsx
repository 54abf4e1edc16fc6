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
        <div
          role="progressbar"
          aria-label="Progress of the build"
          aria-valuetext={activityOf(job)}
          {...(done !== undefined && { 'aria-valuenow': Math.round(done * 100) })}
          className={classes['bar']}
          data-unknown={done === undefined}
        >
          <span style={{ inlineSize: done === undefined ? '30%' : `${done * 100}%` }} />
        </div>
      )}
    </div>
  );
}
