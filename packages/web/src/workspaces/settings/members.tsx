import { ActionIcon, NativeSelect } from '@mantine/core';
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/call.ts';
import { isAdministrator, meQuery } from '../../api/queries.ts';
import type { Member } from '../../api/types.ts';
import { Icon } from '../../icons/icon.tsx';
import { Confirmation } from '../../parts/confirmation.tsx';
import { ActionsHead, DataTable } from '../../parts/data-table.tsx';
import { FaultMessage } from '../../parts/fault-message.tsx';
import { Heading } from '../../parts/heading.tsx';
import { MakingForm } from '../../parts/making-form.tsx';
import { Pane } from '../../parts/pane.tsx';
import { RoleChoice } from '../../parts/role-choice.tsx';
import { roleName, workspaceRoles } from '../role-name.ts';
import { AccountField } from './account-field.tsx';

const roles = workspaceRoles.map((value) => ({ value, label: roleName(value) }));

/** Who belongs to a workspace, with which role. */
export function Members() {
  const { workspace } = useParams({ from: '/shell/workspaces/$workspace/settings/members' });
  const { data: me } = useSuspenseQuery(meQuery);
  const queryClient = useQueryClient();
  const members = useQuery({
    queryKey: ['workspaces', workspace, 'members'],
    queryFn: ({ signal }) => call('listMembers', { params: { name: workspace }, signal }),
  });
  const mayManage =
    isAdministrator(me) || me.workspaces.some(({ name, role }) => name === workspace && role === 'admin');
  const [leaving, setLeaving] = useState<string>();
  const refresh = async () => {
    await queryClient.invalidateQueries({ queryKey: ['workspaces'] });
    await queryClient.invalidateQueries({ queryKey: ['me'] });
  };
  const change = useMutation({
    mutationFn: ({ user, role }: Member) => call('setMember', { params: { name: workspace, user }, body: { role } }),
    onSettled: refresh,
  });
  const removal = useMutation({
    mutationFn: (user: string) => call('removeMember', { params: { name: workspace, user } }),
    onSuccess: () => setLeaving(undefined),
    onSettled: refresh,
  });
  return (
    <>
      <Heading
        order={2}
        title={`Members · ${workspace}`}
        about={
          mayManage
            ? 'Who acts in this workspace. Viewers look, members and VPs also run tests, administrators also manage it.'
            : 'Who acts in this workspace. Its administrators can change it.'
        }
      >
        Members
      </Heading>
      {mayManage && <NewMember workspace={workspace} onAdded={refresh} />}
      {change.isError && <FaultMessage fault={change.error} />}
      <Pane query={members}>
        {({ members: found }) => (
          <DataTable label="Members">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Role</th>
                {mayManage && <ActionsHead />}
              </tr>
            </thead>
            <tbody>
              {found.map(({ user, role }) => (
                <tr key={user}>
                  <th scope="row">{user}</th>
                  <td>
                    {mayManage ? (
                      <RoleChoice
                        of={user}
                        role={role}
                        roles={roles}
                        isSaving={change.isPending && change.variables.user === user}
                        onSave={(chosen) => change.mutate({ user, role: chosen })}
                      />
                    ) : (
                      roleName(role)
                    )}
                  </td>
                  {mayManage && (
                    <td data-number>
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={`Take ${user} out of the workspace`}
                        onClick={() => {
                          removal.reset();
                          setLeaving(user);
                        }}
                      >
                        <Icon name="close" />
                      </ActionIcon>
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </DataTable>
        )}
      </Pane>
      <Confirmation
        title={leaving === undefined ? undefined : `Take ${leaving} out of ${workspace}?`}
        action="Take out"
        isPending={removal.isPending}
        fault={removal.error}
        onConfirm={() => leaving !== undefined && removal.mutate(leaving)}
        onClose={() => setLeaving(undefined)}
      >
        <p>{leaving === me.user.name ? 'You' : 'They'} can no longer act in this workspace. The account stays.</p>
      </Confirmation>
    </>
  );
}

function NewMember({ workspace, onAdded }: { readonly workspace: string; readonly onAdded: () => Promise<void> }) {
  const [user, setUser] = useState('');
  const [role, setRole] = useState<Member['role']>('member');
  return (
    <MakingForm
      action="Add member"
      make={() => call('setMember', { params: { name: workspace, user: user.trim() }, body: { role } })}
      onMade={async () => {
        setUser('');
        await onAdded();
      }}
    >
      <AccountField label="Account" name={user} onChange={setUser} />
      <NativeSelect
        label="Role"
        value={role}
        data={roles}
        onChange={(event) => setRole(workspaceRoles.find((one) => one === event.currentTarget.value) ?? 'member')}
      />
    </MakingForm>
  );
}
