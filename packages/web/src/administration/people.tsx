import { Button, NativeSelect, PasswordInput, Switch, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { meQuery } from '../api/queries.ts';
import type { User } from '../api/types.ts';
import { DataTable } from '../parts/data-table.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import { Time } from '../parts/time.tsx';
import classes from '../workspaces/settings/members.module.css';

const roles = [
  { value: 'member', label: 'Member' },
  { value: 'support', label: 'Support' },
  { value: 'admin', label: 'Administrator' },
] as const;

/** Everybody who has an account, and their role in the organization. */
export function People() {
  const queryClient = useQueryClient();
  const { data: me } = useSuspenseQuery(meQuery);
  const users = useQuery({ queryKey: ['users'], queryFn: ({ signal }) => call('listUsers', { signal }) });
  const altering = useMutation({
    mutationFn: ({ name, ...body }: Pick<User, 'name'> & Partial<Pick<User, 'role' | 'isActive'>>) =>
      call('alterUser', { params: { name }, body }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['users'] }),
  });
  return (
    <>
      <Heading
        order={2}
        title="People"
        about="Support has the rights of administrators. What somebody may do in a workspace is set among its members."
      >
        People
      </Heading>
      <NewPerson onMade={() => queryClient.invalidateQueries({ queryKey: ['users'] })} />
      {altering.isError && <FaultMessage fault={altering.error} />}
      <Pane query={users} height={240}>
        {({ users: known }) => (
          <DataTable label="People" minWidth={560}>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Role</th>
                <th scope="col">Signs in with</th>
                <th scope="col">Made</th>
                <th scope="col">Active</th>
              </tr>
            </thead>
            <tbody>
              {known.map((user) => (
                <tr key={user.name}>
                  <th scope="row">{user.name}</th>
                  <td>
                    <NativeSelect
                      size="xs"
                      aria-label={`Role of ${user.name}`}
                      value={user.role}
                      data={[...roles]}
                      disabled={user.name === me.user.name}
                      onChange={(event) =>
                        altering.mutate({ name: user.name, role: event.currentTarget.value as User['role'] })
                      }
                    />
                  </td>
                  <td>{user.hasPassword ? 'Password, tokens' : 'Tokens only'}</td>
                  <td>
                    <Time at={user.createdAt} />
                  </td>
                  <td>
                    <Switch
                      aria-label={`${user.name} is active`}
                      checked={user.isActive}
                      disabled={user.name === me.user.name}
                      onChange={(event) => altering.mutate({ name: user.name, isActive: event.currentTarget.checked })}
                    />
                  </td>
                </tr>
              ))}
            </tbody>
          </DataTable>
        )}
      </Pane>
    </>
  );
}

function NewPerson({ onMade }: { readonly onMade: () => Promise<void> }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<User['role']>('member');
  const making = useMutation({
    mutationFn: () => call('createUser', { body: { name: name.trim(), role, ...(password !== '' && { password }) } }),
    onSuccess: async () => {
      setName('');
      setPassword('');
      await onMade();
    },
  });
  return (
    <>
      <form
        className={classes['new']}
        onSubmit={(event) => {
          event.preventDefault();
          making.mutate();
        }}
      >
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoCapitalize="none"
          required
          maxLength={128}
        />
        <PasswordInput
          label="First password"
          placeholder="None: tokens only"
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
          w={200}
        />
        <NativeSelect
          label="Role"
          data={[...roles]}
          value={role}
          onChange={(event) => setRole(event.currentTarget.value as User['role'])}
        />
        <Button type="submit" loading={making.isPending}>
          Add
        </Button>
      </form>
      {making.isError && <FaultMessage fault={making.error} />}
    </>
  );
}
