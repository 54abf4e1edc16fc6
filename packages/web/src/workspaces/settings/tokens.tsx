import { useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/call.ts';
import { isAdministrator, meQuery } from '../../api/queries.ts';
import { Heading } from '../../parts/heading.tsx';
import { MakingForm } from '../../parts/making-form.tsx';
import { Pane } from '../../parts/pane.tsx';
import { MadeToken } from './made-token.tsx';
import { TokenLifetime, TokenName } from './token-fields.tsx';
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
  return (
    <MakingForm
      action="Make token"
      make={() => call('createApiToken', { body: { name: name.trim(), workspace, expiresInDays: Number(days) } })}
      onMade={async () => {
        setName('');
        await onMade();
      }}
      done={({ token, secret }) => <MadeToken name={token.name} secret={secret} />}
    >
      <TokenName value={name} onChange={setName} />
      <TokenLifetime value={days} onChange={setDays} />
    </MakingForm>
  );
}
