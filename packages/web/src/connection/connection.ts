import { useSyncExternalStore } from 'react';

type State = 'there' | 'lost';

/** Between two looks whether the instance is back: soon at first, then less often. */
const firstMilliseconds = 500;
const longestMilliseconds = 5_000;

let state: State = 'there';
let wait = firstMilliseconds;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();
const returns = new Set<() => void>();

/** Says whether the last request reached the instance. While it is lost, it is looked for until it is back. */
export function tellConnection(now: State): void {
  if (now === state) return;
  state = now;
  for (const listener of listeners) listener();
  if (now === 'lost') {
    wait = firstMilliseconds;
    lookAgain();
    return;
  }
  clearTimeout(timer);
  timer = undefined;
  for (const listener of returns) listener();
}

/** Does something each time that the instance is back; gives the function that ends it. */
export function onReturn(work: () => void): () => void {
  returns.add(work);
  return () => returns.delete(work);
}

/** Whether the instance answers at the moment. */
export function useConnection(): State {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

function lookAgain(): void {
  timer ??= setTimeout(async () => {
    timer = undefined;
    const isThere = await fetch('/readyz', { cache: 'no-store' }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isThere) return tellConnection('there');
    wait = Math.min(wait * 1.6, longestMilliseconds);
    lookAgain();
  }, wait);
}
