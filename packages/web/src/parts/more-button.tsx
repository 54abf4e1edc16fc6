import { Button } from '@mantine/core';
import { FaultMessage } from './fault-message.tsx';

type MoreButtonProps = {
  readonly pages: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly isFetchNextPageError: boolean;
    readonly error: unknown;
    readonly fetchNextPage: () => Promise<unknown>;
  };
};

/** Gets the next page of a list, where there is one; says why it could not. */
export function MoreButton({ pages }: MoreButtonProps) {
  if (!pages.hasNextPage) return null;
  if (!pages.isFetchNextPageError) {
    return (
      <Button variant="subtle" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
        Show more
      </Button>
    );
  }
  return (
    <FaultMessage fault={pages.error}>
      <Button
        size="compact-sm"
        variant="default"
        loading={pages.isFetchingNextPage}
        onClick={() => void pages.fetchNextPage()}
      >
        Try again
      </Button>
    </FaultMessage>
  );
}
