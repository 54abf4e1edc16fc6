import type { ReactNode } from 'react';
import { ConnectionBanner } from '../connection/connection-banner.tsx';
import { Brand } from '../shell/brand.tsx';
import classes from './entrance.module.css';

/** Around the views that need no account. */
export function Entrance({ children }: { readonly children: ReactNode }) {
  return (
    <div className={classes['entrance']}>
      <ConnectionBanner />
      <main className={classes['card']}>
        <div className={classes['brand']}>
          <Brand isWhole />
        </div>
        {children}
      </main>
    </div>
  );
}
