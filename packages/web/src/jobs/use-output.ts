import { useEffect, useRef, useState } from 'react';
import type { JobDetails } from '../api/types.ts';
import { useEvents } from '../connection/use-events.ts';

type Line = { readonly number: number; readonly text: string; readonly isError: boolean };

/** More is not shown at once: a page with more lines is slow, and nobody reads it. */
const shownLines = 5_000;

/** Lines are drawn at most so often, however fast they come. */
const drawnMilliseconds = 100;

/** Follows what something prints; says when its status is another, and when it ended. */
export function useOutput(
  address: string,
  onStatus: () => void,
  onEnd: () => void,
): { readonly lines: readonly Line[]; readonly isCut: boolean } {
  const [shown, setShown] = useState<{ lines: readonly Line[]; isCut: boolean }>({ lines: [], isCut: false });
  const waiting = useRef<Line[]>([]);
  const last = useRef(0);
  const status = useRef<JobDetails['status']>(undefined);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const draw = () => {
    timer.current = undefined;
    const came = waiting.current.splice(0);
    setShown(({ lines, isCut }) => {
      const all = [...lines, ...came];
      return { lines: all.slice(-shownLines), isCut: isCut || all.length > shownLines };
    });
  };
  useEvents(address, {
    log: (data, id) => {
      const number = Number(id);
      // A stream that begins anew tells what was told before.
      if (number <= last.current) return;
      last.current = number;
      const { stage, text } = data as { readonly stage: string | null; readonly text: string };
      waiting.current.push({ number, text, isError: stage === 'stderr' });
      timer.current ??= setTimeout(draw, drawnMilliseconds);
    },
    progress: (data) => {
      const job = data as JobDetails;
      if (status.current !== job.status) onStatus();
      status.current = job.status;
    },
    end: onEnd,
  });
  return shown;
}
