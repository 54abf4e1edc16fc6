import { Link, useLocation } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import type { ImageDetails } from '../api/types.ts';
import classes from './views.module.css';

const views = [
  ['Packages', '/images/$name'],
  ['How to use it', '/images/$name/use'],
  ['Versions', '/images/$name/versions'],
  ['Alter', '/images/$name/alter'],
  ['Build log', '/images/$name/build'],
  ['Probe', '/images/$name/probe'],
  ['Layers', '/images/$name/layers'],
  ['Usage', '/images/$name/usage'],
] as const;

/** The views of an image, of which one is open. */
export function Views({ image: { name, rights } }: { readonly image: Pick<ImageDetails, 'name' | 'rights'> }) {
  const { pathname } = useLocation();
  const list = useRef<HTMLUListElement>(null);
  // On a narrow screen the list scrolls, and what is open may lie outside.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another path is another open view.
  useEffect(() => {
    list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [pathname]);
  return (
    <nav aria-label={`Views of ${name}`} className={classes['views']}>
      <ul ref={list}>
        {views
          .filter(([view]) => view !== 'Alter' || rights.alter)
          .map(([view, to]) => (
            <li key={to}>
              <Link to={to} params={{ name }} activeOptions={{ exact: true, includeSearch: false }}>
                {view}
              </Link>
            </li>
          ))}
      </ul>
    </nav>
  );
}
