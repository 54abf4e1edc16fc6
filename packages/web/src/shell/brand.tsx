import { Link } from '@tanstack/react-router';
import classes from './brand.module.css';

/** The product's mark and name, which lead to the beginning. */
export function Brand() {
  return (
    <Link to="/workspaces" className={classes['brand']}>
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
