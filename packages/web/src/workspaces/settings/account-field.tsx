import { TextInput } from '@mantine/core';
import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { call } from '../../api/call.ts';
import { isAdministrator, meQuery } from '../../api/queries.ts';

type AccountFieldProps = { readonly label: string; readonly name: string; readonly onChange: (name: string) => void };

/** The name of an account, completed for those who may know which there are. */
export function AccountField({ label, name, onChange }: AccountFieldProps) {
  const list = useId();
  const { data: me } = useSuspenseQuery(meQuery);
  // Only administrators of the organization are told.
  const accounts = useQuery({
    queryKey: ['users'],
    queryFn: ({ signal }) => call('listUsers', { signal }),
    enabled: isAdministrator(me),
  });
  return (
    <>
      <TextInput
        label={label}
        value={name}
        onChange={(event) => onChange(event.currentTarget.value)}
        list={list}
        autoComplete="off"
        autoCapitalize="none"
        required
        w={160}
      />
      <datalist id={list}>
        {accounts.data?.users.map((user) => (
          <option key={user.name} value={user.name} />
        ))}
      </datalist>
    </>
  );
}
