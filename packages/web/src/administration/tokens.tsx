import { NativeSelect, TextInput } from '@mantine/core';
import { useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { call } from '../api/call.ts';
import { workspacesQuery } from '../api/queries.ts';
import type { ApiToken } from '../api/types.ts';
import { Icon } from '../icons/icon.tsx';
import { Heading } from '../parts/heading.tsx';
import { MakingForm } from '../parts/making-form.tsx';
import { Pane } from '../parts/pane.tsx';
import { AccountField } from '../workspaces/settings/account-field.tsx';
import { MadeToken } from '../workspaces/settings/made-token.tsx';
import { TokenLifetime, TokenName } from '../workspaces/settings/token-fields.tsx';
import { TokenTable } from '../workspaces/settings/token-table.tsx';
import own from './administration.module.css';

/** Fewer are looked through with the eyes. */
const manyTokens = 10;

/** Everybody's API access tokens, and new ones for anybody: for programs that have an account of their own. */
export function AllTokens() {
  const tokens = useQuery({
    queryKey: ['tokens', 'all'],
    queryFn: ({ signal }) => call('listApiTokens', { query: { all: 'true' }, signal }),
  });
  const [typed, setTyped] = useState('');
  const wereMany = useRef(false);
  return (
    <>
      <Heading
        order={2}
        title="Tokens"
        about="API access tokens of everybody. A token acts as its owner, in its workspace, with the rights that the owner has at that moment."
      >
        Tokens
      </Heading>
      <NewTokenOfAnybody />
      <Pane query={tokens} height={240}>
        {({ tokens: all }) => {
          // The field stays once it was there: somebody may be typing in it, and what is typed holds.
          if (all.length > manyTokens) wereMany.current = true;
          const found = all.filter((token) => isLike(token, typed.trim().toLowerCase()));
          return (
            <>
              {wereMany.current && (
                <TextInput
                  className={own['choice'] ?? ''}
                  type="search"
                  aria-label="Search tokens"
                  placeholder="Name, owner or workspace"
                  leftSection={<Icon name="search" />}
                  value={typed}
                  onChange={(event) => setTyped(event.currentTarget.value)}
                />
              )}
              <TokenTable
                tokens={found}
                hasWorkspaces
                whenEmpty={all.length === 0 ? 'There is no token yet.' : 'No token is like that.'}
              />
            </>
          );
        }}
      </Pane>
    </>
  );
}

function isLike({ name, user, workspace }: ApiToken, text: string): boolean {
  return [name, user, workspace].some((one) => one.toLowerCase().includes(text));
}

function NewTokenOfAnybody() {
  const queryClient = useQueryClient();
  const { data } = useSuspenseQuery(workspacesQuery);
  const [user, setUser] = useState('');
  const [name, setName] = useState('');
  const [workspace, setWorkspace] = useState('default');
  const [days, setDays] = useState('90');
  return (
    <MakingForm
      action="Make token"
      make={() =>
        call('createApiToken', {
          body: { user: user.trim(), name: name.trim(), workspace, expiresInDays: Number(days) },
        })
      }
      onMade={async () => {
        setName('');
        await queryClient.invalidateQueries({ queryKey: ['tokens'] });
      }}
      done={({ token, secret }) => <MadeToken name={token.name} owner={token.user} secret={secret} />}
    >
      <AccountField label="Owner" name={user} onChange={setUser} />
      <TokenName value={name} onChange={setName} />
      <NativeSelect
        label="Workspace"
        data={data.workspaces.map((one) => one.name)}
        value={workspace}
        onChange={(event) => setWorkspace(event.currentTarget.value)}
      />
      <TokenLifetime value={days} onChange={setDays} />
    </MakingForm>
  );
}
