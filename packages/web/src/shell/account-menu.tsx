import { useSuspenseQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { meQuery } from '../api/queries.ts';
import { AccountButton } from './account-button.tsx';
import { loadPart } from './application-part.ts';

const AccountChoices = lazy(async () => {
  const part = await loadPart(() => import('./account-choices.tsx'));
  return { default: part.AccountChoices };
});

/** Who is signed in, and the menu of what concerns them. */
export function AccountMenu() {
  const { data: me } = useSuspenseQuery(meQuery);
  const [isWanted, setIsWanted] = useState(false);
  const button = (
    <AccountButton name={me.user.name} aria-haspopup="menu" aria-expanded={false} onClick={() => setIsWanted(true)} />
  );
  if (!isWanted) return button;
  return (
    <Suspense fallback={button}>
      <AccountChoices />
    </Suspense>
  );
}
