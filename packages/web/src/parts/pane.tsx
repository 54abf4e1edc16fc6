import { Skeleton, VisuallyHidden } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { FaultMessage } from './fault-message.tsx';

type PaneProps<Data> = {
  readonly query: UseQueryResult<Data>;
  readonly children: (data: Data) => ReactNode;
  /** As high as what is expected, so that nothing jumps when it comes. */
  readonly height?: number;
};

/** What a question to the instance answered; its outline until it has, and the fault when it cannot. */
export function Pane<Data>({ query, children, height = 160 }: PaneProps<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <FaultMessage fault={query.error} />;
  return (
    <div aria-busy="true">
      <VisuallyHidden role="status">Loading</VisuallyHidden>
      <Skeleton height={height} />
    </div>
  );
}
