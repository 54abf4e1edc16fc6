import { Skeleton, VisuallyHidden } from '@mantine/core';

/** In place of a view whose data is on its way for longer than a moment: its outline. */
export function ViewPending() {
  return (
    <div aria-busy="true">
      <VisuallyHidden role="status">Loading</VisuallyHidden>
      <Skeleton height={28} width={220} mb={12} />
      <Skeleton height={16} width={340} mb={28} />
      <Skeleton height={280} />
    </div>
  );
}
