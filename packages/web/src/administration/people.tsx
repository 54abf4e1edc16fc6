import { Button, Group, Modal, NativeSelect, PasswordInput, Switch, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { meQuery } from '../api/queries.ts';
import type { User } from '../api/types.ts';
import { Confirmation } from '../parts/confirmation.tsx';
import { ActionsHead, DataTable } from '../parts/data-table.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { MakingForm } from '../parts/making-form.tsx';
import { Pane } from '../parts/pane.tsx';
import { RoleChoice } from '../parts/role-choice.tsx';
import { Time } from '../parts/time.tsx';
import own from './administration.module.css';

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
  const [renewing, setRenewing] = useState<string>();
  const [leaving, setLeaving] = useState<string>();
  const deletion = useMutation({
    mutationFn: (name: string) => call('deleteUser', { params: { name } }),
    onSuccess: () => setLeaving(undefined),
    // Whoever is gone is no member of anything, either.
    onSettled: () => queryClient.invalidateQueries(),
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
          <DataTable label="People" minWidth={640}>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Role</th>
                <th scope="col">Made</th>
                <th scope="col">Active</th>
                <ActionsHead />
              </tr>
            </thead>
            <tbody>
              {known.map((user) => (
                <tr key={user.name}>
                  <th scope="row">
                    {user.name}
                    {!user.hasPassword && <div className={own['aside']}>tokens only</div>}
                  </th>
                  <td>
                    <RoleChoice
                      of={user.name}
                      role={user.role}
                      roles={roles}
                      isDisabled={user.name === me.user.name}
                      isSaving={altering.isPending && altering.variables.name === user.name}
                      onSave={(role) => altering.mutate({ name: user.name, role })}
                    />
                  </td>
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
                  <td data-number>
                    {user.name !== me.user.name && (
                      <Group gap={4} wrap="nowrap" justify="flex-end">
                        <Button
                          size="compact-sm"
                          variant="subtle"
                          color="gray"
                          aria-label={`New password of ${user.name}`}
                          onClick={() => setRenewing(user.name)}
                        >
                          New password
                        </Button>
                        <Button
                          size="compact-sm"
                          variant="subtle"
                          color="gray"
                          aria-label={`Delete ${user.name}`}
                          onClick={() => {
                            deletion.reset();
                            setLeaving(user.name);
                          }}
                        >
                          Delete
                        </Button>
                      </Group>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </DataTable>
        )}
      </Pane>
      <Modal
        opened={renewing !== undefined}
        onClose={() => setRenewing(undefined)}
        title={`New password of ${renewing ?? ''}`}
      >
        {renewing !== undefined && <NewPassword name={renewing} onClose={() => setRenewing(undefined)} />}
      </Modal>
      <Confirmation
        title={leaving === undefined ? undefined : `Delete ${leaving}?`}
        action="Delete account"
        isPending={deletion.isPending}
        fault={deletion.error}
        onConfirm={() => leaving !== undefined && deletion.mutate(leaving)}
        onClose={() => setLeaving(undefined)}
      >
        <p>
          The account, its tokens and its memberships are gone for good. Images that it made stay. Whoever may come back
          is better made inactive.
        </p>
      </Confirmation>
    </>
  );
}

function NewPassword({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const [password, setPassword] = useState('');
  const queryClient = useQueryClient();
  const renewal = useMutation({
    mutationFn: () => call('alterUser', { params: { name }, body: { password } }),
    onSuccess: async () => {
      onClose();
      await queryClient.invalidateQueries({ queryKey: ['users'] });
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        renewal.mutate();
      }}
    >
      <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
      <PasswordInput
        label="Password"
        description="At least 8 characters. The one before no longer works, and whoever is signed in with it is signed out."
        autoComplete="new-password"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        required
        data-autofocus
      />
      {renewal.isError && <FaultMessage fault={renewal.error} />}
      <Group justify="flex-end" gap="xs" mt="lg">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={renewal.isPending}>
          Set password
        </Button>
      </Group>
    </form>
  );
}

function NewPerson({ onMade }: { readonly onMade: () => Promise<void> }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<User['role']>('member');
  return (
    <MakingForm
      action="Add"
      make={() => call('createUser', { body: { name: name.trim(), role, ...(password !== '' && { password }) } })}
      onMade={async () => {
        setName('');
        setPassword('');
        await onMade();
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
        w={200}
      />
      <NativeSelect
        label="Role"
        data={[...roles]}
        value={role}
        onChange={(event) => setRole(event.currentTarget.value as User['role'])}
      />
    </MakingForm>
  );
}
