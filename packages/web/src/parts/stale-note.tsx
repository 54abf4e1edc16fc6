import { Button } from '@mantine/core';
import { faultOf, isApiFault, unreachable } from '../api/fault.ts';
import classes from './stale-note.module.css';
import { Time } from './time.tsx';

type StaleNoteProps = {
  readonly query: {
    readonly error: unknown;
    readonly isError: boolean;
    readonly isFetching: boolean;
    readonly dataUpdatedAt: number;
    readonly refetch: () => Promise<unknown>;
    /** Of a list in pages: that is told where the next page would be. */
    readonly isFetchNextPageError?: boolean;
  };
};

/** Says that what is shown could not be asked for again, and why. A lost connection is told, and healed, for the whole page. */
export function StaleNote({ query }: StaleNoteProps) {
  if (!query.isError || query.isFetchNextPageError === true || isApiFault(query.error, unreachable)) return null;
  const { message, hint } = faultOf(query.error);
  return (
    <div role="status" className={classes['note']}>
      <p>
        What you see is from <Time at={new Date(query.dataUpdatedAt).toISOString()} />; it could not be asked for again.{' '}
        {message.replace(/\.$/, '')}. {hint}
      </p>
      <Button size="compact-sm" variant="default" loading={query.isFetching} onClick={() => void query.refetch()}>
        Try again
      </Button>
    </div>
  );
}
