import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/call.ts';
import { isAdministrator, meQuery } from '../../api/queries.ts';
import { FaultMessage } from '../../parts/fault-message.tsx';
import { Heading } from '../../parts/heading.tsx';
import { Pane } from '../../parts/pane.tsx';
import { lifetimes, MadeToken } from './made-token.tsx';
import classes from './members.module.css';
import { TokenTable } from './token-table.tsx';

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
        {({ tokens: found }) => <TokenTable tokens={found} whenEmpty="There is no token yet." />}
      </Pane>
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
          data={[...lifetimes]}
          value={days}
          onChange={(event) => setDays(event.currentTarget.value)}
        />
        <Button type="submit" loading={making.isPending}>
          Make token
        </Button>
      </form>
      {making.isError && <FaultMessage fault={making.error} />}
      {making.isSuccess && <MadeToken name={making.data.token.name} secret={making.data.secret} />}
    </>
  );
}
