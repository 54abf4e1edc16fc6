import type { JobDetails } from '../api/types.ts';
import { Chip } from '../images/status-chip.tsx';

const statuses = {
  QUEUED: ['Queued', 'plain'],
  RUNNING: ['Running', 'busy'],
  SUCCEEDED: ['Succeeded', 'good'],
  FAILED: ['Failed', 'bad'],
  CANCELLED: ['Cancelled', 'plain'],
} as const;

/** How a job stands. */
export function JobChip({ status }: { readonly status: JobDetails['status'] }) {
  const [word, tone] = statuses[status];
  return <Chip tone={tone}>{word}</Chip>;
}
