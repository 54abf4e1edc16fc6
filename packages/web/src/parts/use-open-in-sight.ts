import { useLocation } from '@tanstack/react-router';
import { type RefObject, useEffect } from 'react';

/** Where links stand in a row that is wider than the screen, the one that is open is brought into sight; nothing else is moved. */
export function useOpenInSight(row: RefObject<HTMLElement | null>): void {
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another path is another open link.
  useEffect(() => {
    const element = row.current;
    const open = element?.querySelector('[data-status=active]')?.getBoundingClientRect();
    if (element == null || open === undefined) return;
    const { left, right } = element.getBoundingClientRect();
    if (open.right > right || open.left < left) element.scrollLeft += open.left - left;
  }, [pathname]);
}
