import { Link } from '@tanstack/react-router';
import classes from './brand.module.css';

/** The product's mark and name, which lead to the beginning; on a phone the mark alone, unless there is room for the whole. */
export function Brand({ isWhole = false }: { readonly isWhole?: boolean }) {
  return (
    <Link to="/workspaces" className={`${classes['brand']} ${isWhole ? classes['always'] : ''}`}>
      <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="8" className={classes['tile']} />
        <path d="M16 6.5 26 11.5 16 16.5 6 11.5Z" fill="#fff" />
        <g fill="none" stroke="#fff" strokeWidth="2.2" strokeLinejoin="round" strokeLinecap="round">
          <path d="m6 16 10 5 10-5" opacity=".8" />
          <path d="m6 20.5 10 5 10-5" opacity=".55" />
        </g>
      </svg>
      <span>Managed Image Registry</span>
    </Link>
  );
}
