import { Link } from '@tanstack/react-router';
import { useRef } from 'react';
import type { ImageDetails } from '../api/types.ts';
import { useOpenInSight } from '../parts/use-open-in-sight.ts';
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
  const nav = useRef<HTMLElement>(null);
  useOpenInSight(nav);
  return (
    <nav ref={nav} aria-label={`Views of ${name}`} className={classes['views']}>
      <ul>
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
