import { Button, Skeleton, VisuallyHidden } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { FaultMessage } from './fault-message.tsx';
import { StaleNote } from './stale-note.tsx';

type PaneProps<Data> = {
  readonly query: UseQueryResult<Data>;
  readonly children: (data: Data) => ReactNode;
  /** As high as what is expected, so that nothing jumps when it comes. */
  readonly height?: number;
};

/**
 * What a question to the instance answered; its outline until it has, and the fault when it cannot. What was answered before is shown
 * on, with a line that says so.
 */
export function Pane<Data>({ query, children, height = 160 }: PaneProps<Data>) {
  if (query.data !== undefined) {
    return (
      <>
        <StaleNote query={query} />
        {children(query.data)}
      </>
    );
  }
  if (query.isError) {
    return (
      <FaultMessage fault={query.error}>
        <Button size="compact-sm" variant="default" loading={query.isFetching} onClick={() => void query.refetch()}>
          Try again
        </Button>
      </FaultMessage>
    );
  }
  return (
    <div aria-busy="true">
      <VisuallyHidden role="status">Loading</VisuallyHidden>
      <Skeleton height={height} />
    </div>
  );
}
