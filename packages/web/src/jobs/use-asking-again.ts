import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';

/** However many jobs come and go, a list is asked for anew so often at most. */
const againMilliseconds = 2_000;

/**
 * Asks for a list anew when something in it has changed: at once, and then no more often than every two seconds. What is being fetched
 * is let come, a next page too, and asked for once more after it: it may be older than the change.
 */
export function useAskingAgain(queryKey: QueryKey): () => void {
  const queryClient = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const lastAt = useRef(Number.NEGATIVE_INFINITY);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  const askAgain = () => {
    timer.current ??= setTimeout(
      () => {
        timer.current = undefined;
        lastAt.current = performance.now();
        if (queryClient.isFetching({ queryKey, exact: true }) > 0) return askAgain();
        void queryClient.invalidateQueries({ queryKey, exact: true }, { cancelRefetch: false });
      },
      Math.max(0, lastAt.current + againMilliseconds - performance.now()),
    );
  };
  return askAgain;
}
