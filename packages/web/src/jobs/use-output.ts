import { useEffect, useRef, useState } from 'react';
import { useEvents } from '../connection/use-events.ts';

type Line = { readonly number: number; readonly text: string; readonly isError: boolean };

/** More is not shown at once: a page with more lines is slow, and nobody reads it. */
const shownLines = 5_000;

/** Lines are drawn at most so often, however fast they come. */
const drawnMilliseconds = 100;

/** Follows what something prints. */
export function useOutput(
  address: string,
  onEnd: () => void,
): { readonly lines: readonly Line[]; readonly isCut: boolean } {
  const [shown, setShown] = useState<{ lines: readonly Line[]; isCut: boolean }>({ lines: [], isCut: false });
  const waiting = useRef<Line[]>([]);
  const count = useRef(0);
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
    log: (data) => {
      const { stage, text } = data as { readonly stage: string | null; readonly text: string };
      count.current += 1;
      waiting.current.push({ number: count.current, text, isError: stage === 'stderr' });
      timer.current ??= setTimeout(draw, drawnMilliseconds);
    },
    progress: () => undefined,
    end: onEnd,
  });
  return shown;
}
