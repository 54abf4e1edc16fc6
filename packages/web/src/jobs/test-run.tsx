import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { addressOf, call } from '../api/call.ts';
import { ApiFault } from '../api/fault.ts';
import { runQuery } from '../api/run-queries.ts';
import type { TestRun as Run } from '../api/types.ts';
import { counted, formatSize } from '../format/size.ts';
import { formatDuration } from '../format/time.ts';
import { Facts } from '../parts/facts.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import { Time } from '../parts/time.tsx';
import { durationOf } from './builds.tsx';
import { JobChip } from './job-chip.tsx';
import classes from './jobs.module.css';
import { useOutput } from './use-output.ts';

/** While a run waits, its place in the queue is looked up so often. */
const queueMilliseconds = 5_000;

/** A test run: what it prints while it prints it, how it ended, what it left. */
export function TestRun() {
  const { id } = useParams({ from: '/shell/test-runs/$id' });
  return <FollowedRun key={id} id={id} />;
}

function FollowedRun({ id }: { readonly id: string }) {
  const { data } = useSuspenseQuery({
    ...runQuery(id),
    // Its place in the queue is moved by other runs, and those are not told here.
    refetchInterval: ({ state }) => state.data?.run.status === 'QUEUED' && queueMilliseconds,
  });
  const { run } = data;
  const queryClient = useQueryClient();
  const lookAgain = () => void queryClient.invalidateQueries({ queryKey: ['run', id] });
  const output = useOutput(addressOf('followTestRun', { id }), lookAgain, () => {
    lookAgain();
    void queryClient.invalidateQueries({ queryKey: ['runs'] });
  });
  const cancelling = useMutation({
    mutationFn: () => call('cancelTestRun', { params: { id } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['run', id] }),
  });
  const isOver = run.finishedAt !== null;
  return (
    <>
      <Heading
        title={`Test run in ${run.image.name}`}
        about={<code className="code">{run.command.join(' ')}</code>}
        actions={
          run.rights.cancel && (
            <Button
              variant="default"
              loading={cancelling.isPending}
              disabled={run.cancellationRequested}
              onClick={() => cancelling.mutate()}
            >
              Cancel the run
            </Button>
          )
        }
      >
        Test run
      </Heading>
      {cancelling.isError && <FaultMessage fault={cancelling.error} />}
      {run.failure !== null && (
        <div className={classes['part']}>
          {run.status === 'CANCELLED' ? (
            <p className={classes['quiet']}>
              {run.failure.what}. {run.failure.hint}
            </p>
          ) : (
            <FaultMessage fault={new ApiFault({ status: 500, detail: run.failure.what, hint: run.failure.hint })} />
          )}
        </div>
      )}
      <div className={classes['part']}>
        <Facts facts={factsOf(run)} />
      </div>
      <h2 className={classes['title']}>Output</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard, too. */}
      <section className={classes['output']} aria-label="Output" tabIndex={0}>
        {output.isCut && <p className={classes['quiet']}>The beginning is left out here.</p>}
        <pre>
          {output.lines.map(({ number, text, isError }) => (
            <span key={number} data-error={isError}>
              {text}
              {'\n'}
            </span>
          ))}
        </pre>
        {output.lines.length === 0 && (
          <p className={classes['quiet']}>{isOver ? 'It printed nothing.' : 'Nothing yet.'}</p>
        )}
      </section>
      {isOver && <LeftFiles id={id} leftOut={run.leftOut} />}
    </>
  );
}

function factsOf(run: Run) {
  const { image, usage } = run;
  return [
    ['Status', <JobChip key="status" status={run.status} />],
    [
      'Image',
      <span key="image">
        {image.isExternal ? (
          image.name
        ) : (
          <Link to="/images/$name" params={{ name: image.name }}>
            {image.name}
          </Link>
        )}
        {image.version !== null && ` v${image.version}`}{' '}
        {image.digest !== null && <code className="code">{image.digest}</code>}
      </span>,
    ],
    ['Asked for', <Time key="asked" at={run.createdAt} />],
    ['By', `${run.creator ?? '–'}${run.workspace === null ? '' : `, in ${run.workspace}`}`],
    ...(run.queuePosition === null ? [] : [['Place in the queue', String(run.queuePosition)] as const]),
    ...(run.exitStatus === null ? [] : [['Exit status', String(run.exitStatus)] as const]),
    ['Took', usage === null ? durationOf(run) : formatDuration(usage.wallSeconds)],
    [
      'Used',
      usage === null
        ? '–'
        : [
            usage.cpuSeconds === null ? undefined : `${formatDuration(usage.cpuSeconds)} of processor time`,
            usage.peakMemoryBytes === null ? undefined : `${formatSize(usage.peakMemoryBytes)} of memory at most`,
          ]
            .filter((one) => one !== undefined)
            .join(', ') || '–',
    ],
    [
      'Allowed',
      `${formatDuration(run.timeLimitSeconds)}, ${formatSize(run.memoryBytes)} of memory, ${run.network ? 'network to listed hosts' : 'no network'}`,
    ],
    ...(run.variables.length === 0 ? [] : [['Variables', run.variables.join(', ')] as const]),
  ] as const;
}

function LeftFiles({ id, leftOut }: { readonly id: string; readonly leftOut: readonly string[] }) {
  const files = useQuery({
    queryKey: ['run', id, 'files'],
    queryFn: ({ signal }) => call('listRunFiles', { params: { id }, signal }),
  });
  return (
    <>
      <h2 className={classes['title']}>What it left</h2>
      <Pane query={files} height={80}>
        {({ files: left }) =>
          left.length === 0 ? (
            <p className={classes['quiet']}>No files.</p>
          ) : (
            <>
              <ul className={classes['files']}>
                {left.map(({ path, sizeBytes }) => (
                  <li key={path}>
                    <span className="code">{path}</span>{' '}
                    <span className={classes['quiet']}>{formatSize(sizeBytes)}</span>
                  </li>
                ))}
              </ul>
              <Button component="a" href={addressOf('downloadRunFiles', { id })} variant="default" size="xs" download>
                Download {counted(left.length, 'file')}
              </Button>
            </>
          )
        }
      </Pane>
      {leftOut.length > 0 && <p className={classes['quiet']}>Left out: {leftOut.join('; ')}</p>}
    </>
  );
}
