import { type RefObject, useLayoutEffect, useRef } from 'react';
import type { KnownImages } from './image-pages.ts';

/**
 * Keeps the rows that somebody looks at where they are when images above them come or go: the list is scrolled by as many rows as most
 * of them were moved. At the very top it is not: there the new ones are what somebody wants to see.
 */
export function useStandingStill(
  frame: RefObject<HTMLElement | null>,
  list: string,
  images: KnownImages,
  rowHeight: number,
): void {
  const before = useRef<{
    readonly list: string;
    readonly version: string;
    readonly seen: ReadonlyMap<string, number>;
  }>(undefined);
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const last = before.current;
    if (last !== undefined && last.list === list && last.version !== images.version && element.scrollTop > 0) {
      const moved = mostCommon(
        [...last.seen].flatMap(([name, place]) => {
          const now = images.placeOf(name);
          return now === undefined ? [] : [now - place];
        }),
      );
      if (moved !== 0) element.scrollTop += moved * rowHeight;
    }
    const first = Math.floor(element.scrollTop / rowHeight);
    const count = Math.ceil(element.clientHeight / rowHeight);
    const seen = new Map<string, number>();
    for (let place = first; place < first + count; place += 1) {
      const image = images.at(place);
      if (image !== undefined && image !== null) seen.set(image.name, place);
    }
    before.current = { list, version: images.version, seen };
  });
}

function mostCommon(numbers: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const one of numbers) counts.set(one, (counts.get(one) ?? 0) + 1);
  let found = 0;
  for (const [one, count] of counts) if (count > (counts.get(found) ?? 0)) found = one;
  return found;
}
