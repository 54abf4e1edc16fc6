import { useSuspenseQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { meQuery } from '../api/queries.ts';
import { AccountButton } from './account-button.tsx';
import { loadPart } from './application-part.ts';

/** Who is signed in, and the menu of what concerns them. */
export function AccountMenu() {
  // What could not be fetched stays so for this one; whoever tries again gets another.
  const [AccountChoices] = useState(() => lazy(loadAccountChoices));
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

async function loadAccountChoices() {
  const { AccountChoices } = await loadPart(() => import('./account-choices.tsx'));
  return { default: AccountChoices };
}
