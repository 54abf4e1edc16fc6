import { useSyncExternalStore } from 'react';
import { exactTime, relativeTime } from '../format/time.ts';

const everySeconds = 10;
const listeners = new Set<() => void>();
let now = new Date();

setInterval(() => {
  now = new Date();
  for (const listener of listeners) listener();
}, everySeconds * 1000);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A time as it lies from now; the exact one on hover, and for programs that read the page. */
export function Time({ at }: { readonly at: string }) {
  const shown = useSyncExternalStore(subscribe, () => now);
  const time = new Date(at);
  return (
    <time dateTime={at} title={exactTime(time)} style={{ whiteSpace: 'nowrap' }}>
      {relativeTime(time, shown < time && shown.getTime() > time.getTime() - everySeconds * 1000 ? time : shown)}
    </time>
  );
}
