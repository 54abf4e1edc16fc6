import { Skeleton, VisuallyHidden } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { addressOf } from '../api/call.ts';
import { faultOfFailure } from '../api/fault.ts';
import type { JobDetails } from '../api/types.ts';
import { useEvents } from '../connection/use-events.ts';
import { counted } from '../format/size.ts';
import { formatDuration } from '../format/time.ts';
import { BuildProgress } from '../images/build-progress.tsx';
import { stageName } from '../images/build-stage.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import classes from './build-stages.module.css';
import { isComplaint, type LogLine, type Stage, stagesOf } from './stages.ts';

/** Of one stage so many lines are drawn; all of them are in the log as text. */
const linesDrawn = 1000;
/** What came within such a time is drawn at once. */
const drawMilliseconds = 150;

type BuildStagesProps = {
  readonly jobId: string;
  /** Whether the page says above already how far it is, and why it failed. */
  readonly isToldAbove: boolean;
};

/** The log of a job, live, a part for each of its stages; what went wrong is on top. */
export function BuildStages({ jobId, isToldAbove }: BuildStagesProps) {
  const { lines, job, isTold } = useLog(jobId);
  const stages = stagesOf(lines);
  const complaints = lines.filter(isComplaint);
  const isRunning = job !== undefined && job.finishedAt === null;
  return (
    <div className={classes['log']}>
      {!isToldAbove && job?.failure != null && <FaultMessage fault={faultOfFailure(job.failure)} />}
      {complaints.length > 0 && job?.failure != null && (
        <details className={classes['complaints']} open>
          <summary>{counted(complaints.length, 'line')} with errors or warnings</summary>
          <Lines lines={complaints} />
        </details>
      )}
      {isRunning && !isToldAbove && (
        <div className={classes['progress']}>
          <BuildProgress job={job} />
        </div>
      )}
      {lines.length === 0 &&
        (job?.status === 'QUEUED' ? (
          <p>It waits; nothing was said yet.</p>
        ) : isTold ? (
          <p>{isRunning ? 'Nothing was said yet.' : 'Nothing was said.'}</p>
        ) : (
          <div aria-busy="true">
            <VisuallyHidden role="status">The log is on its way</VisuallyHidden>
            <Skeleton height={160} />
          </div>
        ))}
      {stages.map((stage, at) => (
        <StagePart
          key={stage.name}
          stage={stage}
          seconds={job?.progress.stages.find((one) => one.stage === stage.name)?.seconds}
          isOpen={isRunning ? at === stages.length - 1 : job?.failure != null && at === stages.length - 1}
        />
      ))}
    </div>
  );
}

function StagePart({
  stage,
  seconds,
  isOpen,
}: {
  readonly stage: Stage;
  readonly seconds: number | undefined;
  readonly isOpen: boolean;
}) {
  return (
    <details className={classes['stage']} open={isOpen}>
      <summary>
        <span>{stage.name === '' ? 'In general' : stageName(stage.name)}</span>
        <span className={classes['aside']}>
          {counted(stage.lines.length, 'line')}
          {seconds !== undefined && ` · ${formatDuration(seconds)}`}
        </span>
      </summary>
      <Lines lines={stage.lines} />
    </details>
  );
}

function Lines({ lines }: { readonly lines: readonly LogLine[] }) {
  const left = lines.length - linesDrawn;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard, too.
    <pre className={`code ${classes['lines']}`} tabIndex={0}>
      {left > 0 && `… ${left} earlier lines …\n`}
      {lines.slice(-linesDrawn).map((line) => (
        <span key={line.number} data-complaint={isComplaint(line)}>
          <time dateTime={line.at}>{line.at.slice(11, 19)}</time> {line.text}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}

type Log = {
  readonly lines: readonly LogLine[];
  readonly job: JobDetails | undefined;
  /** Whether what was said so far is there. */
  readonly isTold: boolean;
};

function useLog(jobId: string): Log {
  const queryClient = useQueryClient();
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const [job, setJob] = useState<JobDetails>();
  const [isTold, setIsTold] = useState(false);
  const waiting = useRef<LogLine[]>([]);
  const last = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const draw = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const came = waiting.current.splice(0);
      if (came.length > 0) setLines((known) => [...known, ...came]);
      setIsTold(true);
    }, drawMilliseconds);
  };
  useEvents(addressOf('followJob', { jobId }), {
    log: (data, id) => {
      const number = Number(id);
      // A stream that begins anew tells what was told before.
      if (number <= last.current) return;
      last.current = number;
      waiting.current.push({ ...(data as Omit<LogLine, 'number'>), number });
      draw();
    },
    progress: (data) => {
      setJob(data as JobDetails);
      draw();
    },
    end: (data) => {
      const ended = data as JobDetails;
      setJob(ended);
      draw();
      for (const { name } of ended.images) void queryClient.invalidateQueries({ queryKey: ['image', name] });
    },
  });
  return { lines, job, isTold };
}
