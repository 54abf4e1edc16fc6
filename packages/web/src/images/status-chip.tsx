import type { ImageSummary, VersionSummary } from '../api/types.ts';
import classes from './status-chip.module.css';

type Tone = 'good' | 'busy' | 'warning' | 'bad' | 'plain';

const statuses = {
  READY: ['Ready', 'good'],
  BUILDING_FIRST_TIME: ['Building', 'busy'],
  REBUILDING: ['Rebuilding', 'busy'],
  FAILED: ['Failed', 'bad'],
  OUTDATED: ['Outdated', 'warning'],
  QUEUED: ['Queued', 'plain'],
  RESOLVING: ['Resolving', 'busy'],
  BUILDING: ['Building', 'busy'],
  PROBING: ['Probing', 'busy'],
  CANCELLED: ['Cancelled', 'plain'],
} as const satisfies Readonly<Record<ImageSummary['status'] | VersionSummary['state'], readonly [string, Tone]>>;

/** The word for a status of an image, or a state of a version. */
export function statusWord(status: keyof typeof statuses): string {
  return statuses[status][0];
}

/** A status of an image, or the state of a version, in a word and a colour. */
export function StatusChip({ status }: { readonly status: keyof typeof statuses }) {
  const [word, tone] = statuses[status];
  return <Chip tone={tone}>{word}</Chip>;
}

/** A word with a colour that says whether that is good; the word says it, too. */
export function Chip({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return (
    <span className={classes['chip']} data-tone={tone}>
      {children}
    </span>
  );
}
