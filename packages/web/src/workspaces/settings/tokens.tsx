import { Button, NativeSelect, TextInput, VisuallyHidden } from '@mantine/core';
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/call.ts';
import { isAdministrator, meQuery } from '../../api/queries.ts';
import type { ApiToken } from '../../api/types.ts';
import { Confirmation } from '../../parts/confirmation.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { FaultMessage } from '../../parts/fault-message.tsx';
import { Heading } from '../../parts/heading.tsx';
import { Pane } from '../../parts/pane.tsx';
import { Time } from '../../parts/time.tsx';
import classes from './members.module.css';

/** For how long a token may work; the longest is what the instance allows. */
const lifetimes = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '270', label: '270 days' },
];

/** API tokens that act in a workspace: one's own, and those of all members for who manages it. */
export function Tokens() {
  const { workspace } = useParams({ from: '/shell/workspaces/$workspace/settings/api-access-tokens' });
  const { data: me } = useSuspenseQuery(meQuery);
  const role = me.workspaces.find(({ name }) => name === workspace)?.role;
  const mayManage = isAdministrator(me) || role === 'admin';
  const queryClient = useQueryClient();
  const queryKey = ['tokens', workspace, mayManage] as const;
  const tokens = useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      if (mayManage) return call('listWorkspaceApiTokens', { params: { name: workspace }, signal });
      const own = await call('listApiTokens', { query: {}, signal });
      return { tokens: own.tokens.filter((one) => one.workspace === workspace) };
    },
  });
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['tokens'] });
  const [revoking, setRevoking] = useState<Pick<ApiToken, 'id' | 'name' | 'user'>>();
  const revocation = useMutation({
    mutationFn: (id: string) => call('deleteApiToken', { params: { id } }),
    onSuccess: () => setRevoking(undefined),
    onSettled: refresh,
  });
  return (
    <>
      <Heading
        order={2}
        title={`API Access Tokens · ${workspace}`}
        about="For programs: the Python SDK, docker login, the HTTP API. A token acts as its owner, in this workspace."
      >
        API Access Tokens
      </Heading>
      {role === undefined ? (
        <p>You are not a member of this workspace, so you cannot make a token that acts in it.</p>
      ) : (
        <NewToken workspace={workspace} onMade={refresh} />
      )}
      <Pane query={tokens}>
        {({ tokens: found }) =>
          found.length === 0 ? (
            <p>There is no token yet.</p>
          ) : (
            <DataTable label="API access tokens" minWidth={560}>
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Owner</th>
                  <th scope="col">Made</th>
                  <th scope="col">Last used</th>
                  <th scope="col">Expires</th>
                  <th scope="col">
                    <VisuallyHidden>Actions</VisuallyHidden>
                  </th>
                </tr>
              </thead>
              <tbody>
                {found.map(({ id, name, user, createdAt, lastUsedAt, expiresAt }) => (
                  <tr key={id}>
                    <th scope="row">{name}</th>
                    <td>{user}</td>
                    <td>
                      <Time at={createdAt} />
                    </td>
                    <td>{lastUsedAt === null ? 'never' : <Time at={lastUsedAt} />}</td>
                    <td>
                      <Time at={expiresAt} />
                    </td>
                    <td data-number>
                      <Button
                        size="compact-sm"
                        variant="subtle"
                        color="gray"
                        aria-label={`Revoke ${name} of ${user}`}
                        onClick={() => {
                          revocation.reset();
                          setRevoking({ id, name, user });
                        }}
                      >
                        Revoke
                      </Button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </DataTable>
          )
        }
      </Pane>
      <Confirmation
        title={revoking === undefined ? undefined : `Revoke ${revoking.name} of ${revoking.user}?`}
        action="Revoke token"
        isPending={revocation.isPending}
        fault={revocation.error}
        onConfirm={() => revoking !== undefined && revocation.mutate(revoking.id)}
        onClose={() => setRevoking(undefined)}
      >
        <p>Programs that use it are refused at once. It cannot be had back; a new one can be made.</p>
      </Confirmation>
    </>
  );
}

function NewToken({ workspace, onMade }: { readonly workspace: string; readonly onMade: () => Promise<void> }) {
  const [name, setName] = useState('');
  const [days, setDays] = useState('90');
  const making = useMutation({
    mutationFn: () => call('createApiToken', { body: { name: name.trim(), workspace, expiresInDays: Number(days) } }),
    onSuccess: async () => {
      setName('');
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
          placeholder="What it is for"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={128}
          required
        />
        <NativeSelect
          label="Works for"
          data={lifetimes}
          value={days}
          onChange={(event) => setDays(event.currentTarget.value)}
        />
        <Button type="submit" loading={making.isPending}>
          Make token
        </Button>
      </form>
      {making.isError && <FaultMessage fault={making.error} />}
      {making.isSuccess && (
        <div className={classes['made']} role="status">
          <p>The token “{making.data.token.name}” is shown once, here and now. Copy it to where it is needed.</p>
          <div className={classes['secret']}>
            <code className="code">{making.data.secret}</code>
            <CopyButton text={making.data.secret} name="Copy the token" />
          </div>
        </div>
      )}
    </>
  );
}
