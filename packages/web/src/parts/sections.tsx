import { Outlet } from '@tanstack/react-router';
import { type ReactNode, useRef } from 'react';
import classes from './sections.module.css';
import { useOpenInSight } from './use-open-in-sight.ts';

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
  useOpenInSight(nav);
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
