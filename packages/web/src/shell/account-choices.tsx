import { Menu, useMantineColorScheme } from '@mantine/core';
import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { call } from '../api/call.ts';
import { isApiFault } from '../api/fault.ts';
import { meQuery } from '../api/queries.ts';
import { Icon } from '../icons/icon.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { useOpenedAtOnce } from '../parts/use-opened-at-once.ts';
import { AccountButton } from './account-button.tsx';

const schemes = [
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
  { value: 'auto', label: 'As the system' },
] as const;

const roleNames = { admin: 'Organization administrator', support: 'Support', member: 'Member' } as const;

/** The role of who is signed in; the colours of the pages; signing out. */
export function AccountChoices() {
  const { target, menu } = useOpenedAtOnce();
  const { data: me } = useSuspenseQuery(meQuery);
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const signingOut = useMutation({
    mutationFn: async () => {
      try {
        await call('signOut');
      } catch (thrown) {
        // Whoever is signed out already wanted nothing else.
        if (!isApiFault(thrown, 'access/unauthenticated')) throw thrown;
      }
    },
    onSuccess: async () => {
      await navigate({ to: '/sign-in', search: {} });
      forget();
      queryClient.clear();
    },
  });
  return (
    <Menu {...menu} position="bottom-end" width={220} withinPortal>
      <Menu.Target>
        <AccountButton ref={target} name={me.user.name} />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{roleNames[me.user.role]}</Menu.Label>
        <Menu.Divider />
        <Menu.Label>Colours</Menu.Label>
        {schemes.map(({ value, label }) => (
          <Menu.Item
            key={value}
            role="menuitemradio"
            aria-checked={colorScheme === value}
            leftSection={colorScheme === value ? <Icon name="check" /> : <span style={{ inlineSize: 16 }} />}
            onClick={() => setColorScheme(value)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        {/* It stays open: whoever could not be signed out has to see that. */}
        <Menu.Item closeMenuOnClick={false} disabled={signingOut.isPending} onClick={() => signingOut.mutate()}>
          Sign out
        </Menu.Item>
        {signingOut.isError && <FaultMessage fault={signingOut.error} />}
      </Menu.Dropdown>
    </Menu>
  );
}

/** Whoever signs in next in this tab finds nothing of who was there before: no drafts, no workspace. */
function forget(): void {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith('mir-')) sessionStorage.removeItem(key);
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}
