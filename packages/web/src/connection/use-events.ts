import { useEffect, useRef } from 'react';
import { onReturn, tellConnection } from './connection.ts';

/** What to do with each kind of event; the data is as the API describes it. */
export type EventHandlers = Readonly<Record<string, (data: unknown, id: string) => void>>;

/** Between two attempts to follow a stream that was refused; longer each time, up to the second. */
const againMilliseconds = 2_000;
const longestMilliseconds = 60_000;

/**
 * Follows a stream of Server-Sent Events for as long as the component is there, and goes on where it was cut off (`Last-Event-ID`).
 * An event named `end` ends it for good. Undefined follows nothing. Each time that the stream begins, `onOpen` is told before its events.
 */
export function useEvents(address: string | undefined, handlers: EventHandlers, onOpen?: () => void): void {
  const current = useRef({ handlers, onOpen });
  useEffect(() => {
    current.current = { handlers, onOpen };
  });
  useEffect(() => {
    if (address === undefined) return;
    return follow(
      address,
      () => current.current.handlers,
      () => current.current.onOpen?.(),
    );
  }, [address]);
}

function follow(address: string, handlers: () => EventHandlers, onOpen: () => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  let wait = againMilliseconds;
  const open = () => {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(address);
    for (const name of Object.keys(handlers())) {
      source.addEventListener(name, (event) => {
        const { data, lastEventId } = event as MessageEvent<string>;
        handlers()[name]?.(JSON.parse(data), lastEventId);
        if (name === 'end') close();
      });
    }
    if (!('end' in handlers())) source.addEventListener('end', close);
    source.onopen = () => {
      wait = againMilliseconds;
      onOpen();
      tellConnection('there');
    };
    source.onerror = () => {
      if (isOver) return;
      // The browser connects again by itself after a cut, bringing Last-Event-ID; not after a refusal.
      if (source?.readyState !== EventSource.CLOSED) return tellConnection('lost');
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, longestMilliseconds);
    };
  };
  const close = () => {
    isOver = true;
    clearTimeout(timer);
    source?.close();
  };
  // When a request has come through, there is no need to wait.
  const stop = onReturn(() => {
    if (!isOver && !document.hidden && source?.readyState === EventSource.CLOSED) open();
  });
  // A browser has six connections to a server, for all of its tabs: those that nobody looks at leave theirs to the others.
  const look = () => {
    if (isOver) return;
    if (document.hidden) {
      clearTimeout(timer);
      source?.close();
    } else open();
  };
  document.addEventListener('visibilitychange', look);
  if (!document.hidden) open();
  return () => {
    close();
    stop();
    document.removeEventListener('visibilitychange', look);
  };
}
