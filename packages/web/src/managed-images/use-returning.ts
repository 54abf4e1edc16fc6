import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react';

const storageKey = 'mir-places-in-lists';
/** Whoever went through more lists than that does not expect each to be remembered. */
const keptPlaces = 100;

let places: Map<string, number> | undefined;

/** Where somebody was in each list of this tab, by the entry of its history. */
function placesOfTab(): Map<string, number> {
  if (places !== undefined) return places;
  try {
    places = new Map(JSON.parse(sessionStorage.getItem(storageKey) ?? '[]') as [string, number][]);
  } catch {
    places = new Map();
  }
  addEventListener('pagehide', () => {
    try {
      sessionStorage.setItem(storageKey, JSON.stringify([...placesOfTab()].slice(-keptPlaces)));
    } catch {
      // Without a storage, or with a full one, a list that is loaded again begins at its top.
    }
  });
  return places;
}

/** A list as it is shown. */
type ShownList = {
  readonly frame: RefObject<HTMLElement | null>;
  /** Says which one it is. */
  readonly list: string;
  /** Of all that can be scrolled through, in pixels. */
  readonly height: number;
  /** Else it may become longer in a moment. */
  readonly isWhole: boolean;
};

/** What moves a list. */
const movements = ['wheel', 'pointerdown', 'touchmove', 'keydown'] as const;

/** Another list begins at its top; one that somebody comes back to, or loads again, where they were. */
export function useReturning({ frame, list, height, isWhole }: ShownList): void {
  const shown = useRef<{ readonly list: string; readonly entry: string; isAwaited: boolean }>(undefined);
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return;
    if (shown.current?.list !== list) {
      shown.current = { list, entry: entryOfHistory(), isAwaited: true };
      element.scrollTop = 0;
      // The view itself begins at its top.
      document.getElementById('view')?.scrollTo(0, 0);
    }
    if (!shown.current.isAwaited) return;
    // How long a list is may be known a moment after its first images.
    const place = placesOfTab().get(shown.current.entry) ?? 0;
    shown.current.isAwaited = !isWhole && place > height - element.clientHeight;
    if (!shown.current.isAwaited) element.scrollTop = place;
  }, [frame, list, height, isWhole]);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const note = () => {
      if (shown.current !== undefined && !shown.current.isAwaited)
        placesOfTab().set(shown.current.entry, element.scrollTop);
    };
    // Whoever moves by themselves is not moved later.
    const stay = () => {
      if (shown.current !== undefined) shown.current.isAwaited = false;
    };
    element.addEventListener('scroll', note, { passive: true });
    for (const one of movements) element.addEventListener(one, stay, { passive: true });
    return () => {
      element.removeEventListener('scroll', note);
      for (const one of movements) element.removeEventListener(one, stay);
    };
  }, [frame]);
}

function entryOfHistory(): string {
  const state = history.state as { readonly __TSR_key?: string } | null;
  return state?.__TSR_key ?? location.href;
}
