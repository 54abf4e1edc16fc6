import { Outlet, useLocation } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import classes from './sections.module.css';

type SectionsProps = {
  /** What the navigation is called, for who does not see it. */
  readonly name: string;
  readonly heading: ReactNode;
  /** Links with {@link sectionClass}, each with a key. */
  readonly links: readonly ReactNode[];
};

/** The look of a link to a section. */
export const sectionClass = classes['section'];

/** A page of several panes, with their names at its left. */
export function Sections({ name, heading, links }: SectionsProps) {
  const nav = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  // Where they stand in a row that is wider than the screen, the one that is shown is seen.
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked for whenever another one is shown.
  useEffect(() => {
    const shown = nav.current?.querySelector('[data-status=active]')?.getBoundingClientRect();
    const row = nav.current?.getBoundingClientRect();
    if (shown === undefined || row === undefined || nav.current === null) return;
    if (shown.right > row.right || shown.left < row.left) nav.current.scrollLeft += shown.left - row.left;
  }, [pathname]);
  return (
    <div className={classes['page']}>
      <div className={classes['side']}>
        {heading}
        <nav ref={nav} aria-label={name}>
          <ul className={classes['sections']}>
            {links.map((link, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: which sections there are never changes.
              <li key={at}>{link}</li>
            ))}
          </ul>
        </nav>
      </div>
      <div className={classes['pane']}>
        <Outlet />
      </div>
    </div>
  );
}
