import { Button, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { workspacesQuery } from '../api/queries.ts';
import { counted } from '../format/size.ts';
import { Confirmation } from '../parts/confirmation.tsx';
import { ActionsHead, DataTable } from '../parts/data-table.tsx';
import { DoneNote } from '../parts/done-note.tsx';
import { Heading } from '../parts/heading.tsx';
import { MakingForm } from '../parts/making-form.tsx';
import { Time } from '../parts/time.tsx';
import own from './administration.module.css';

/** The workspace that there always is. */
const lastingWorkspace = 'default';

/** All workspaces of the instance: new ones are made here, and those that are not needed any more deleted. */
export function AllWorkspaces() {
  const queryClient = useQueryClient();
  const { data } = useSuspenseQuery(workspacesQuery);
  const [leaving, setLeaving] = useState<string>();
  const [deleted, setDeleted] = useState<string>();
  const deletion = useMutation({
    mutationFn: (name: string) => call('deleteWorkspace', { params: { name } }),
    onSuccess: (_, name) => {
      setLeaving(undefined);
      setDeleted(name);
    },
    // With it go memberships and tokens.
    onSettled: () => queryClient.invalidateQueries(),
  });
  return (
    <>
      <Heading
        order={2}
        title="Workspaces"
        about="A workspace is a team’s corner of the instance: its members, their tokens and test runs. Images belong to all of them."
      >
        Workspaces
      </Heading>
      <NewWorkspace />
      <DoneNote isGone={deleted !== undefined && !data.workspaces.some(({ name }) => name === deleted)}>
        {deleted} is deleted.
      </DoneNote>
      <DataTable label="Workspaces" minWidth={600}>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" data-number>
              Members
            </th>
            <th scope="col">Made</th>
            <ActionsHead />
          </tr>
        </thead>
        <tbody>
          {data.workspaces.map(({ name, members, createdAt }) => (
            <tr key={name}>
              <th scope="row">
                <Link to="/workspaces/$workspace" params={{ workspace: name }}>
                  {name}
                </Link>
              </th>
              <td data-number>{members}</td>
              <td>
                <Time at={createdAt} />
              </td>
              <td data-number>
                <span className={own['links']}>
                  <Link
                    to="/workspaces/$workspace/settings/members"
                    params={{ workspace: name }}
                    aria-label={`Members of ${name}`}
                  >
                    Members
                  </Link>
                  <Link
                    to="/workspaces/$workspace/settings/api-access-tokens"
                    params={{ workspace: name }}
                    aria-label={`Tokens of ${name}`}
                  >
                    Tokens
                  </Link>
                  <Button
                    size="compact-sm"
                    variant="subtle"
                    color="gray"
                    aria-label={`Delete ${name}`}
                    // Every account belongs to it. The others stay in their columns.
                    style={name === lastingWorkspace ? { visibility: 'hidden' } : {}}
                    onClick={() => {
                      deletion.reset();
                      setLeaving(name);
                    }}
                  >
                    Delete
                  </Button>
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </DataTable>
      <Confirmation
        title={leaving === undefined ? undefined : `Delete the workspace ${leaving}?`}
        action="Delete workspace"
        isPending={deletion.isPending}
        fault={deletion.error}
        onConfirm={() => leaving !== undefined && deletion.mutate(leaving)}
        onClose={() => setLeaving(undefined)}
      >
        {leaving !== undefined && <Losses name={leaving} />}
      </Confirmation>
    </>
  );
}

function Losses({ name }: { readonly name: string }) {
  const { data } = useSuspenseQuery(workspacesQuery);
  const tokens = useQuery({
    queryKey: ['tokens', name, true],
    queryFn: ({ signal }) => call('listWorkspaceApiTokens', { params: { name }, signal }),
  });
  const members = data.workspaces.find((one) => one.name === name)?.members ?? 0;
  return (
    <p>
      {counted(members, 'membership')} and{' '}
      {tokens.data === undefined ? 'its tokens' : counted(tokens.data.tokens.length, 'token')} are gone for good:
      programs that use such a token are refused at once. Accounts stay, and so do images that were made there. Its test
      runs are seen only by who started them, and by administrators of the organization.
    </p>
  );
}

function NewWorkspace() {
  const queryClient = useQueryClient();
  const [name, setName] = useState('');
  const { data } = useSuspenseQuery(workspacesQuery);
  const isEmpty = (made: string) => data.workspaces.some((one) => one.name === made && one.members === 0);
  return (
    <MakingForm
      action="Make workspace"
      make={() => call('createWorkspace', { body: { name: name.trim() } })}
      onMade={async () => {
        setName('');
        await queryClient.invalidateQueries({ queryKey: ['workspaces'] });
      }}
      done={({ workspace: { name: made } }) =>
        isEmpty(made) && (
          <p className={own['done']}>
            {made} is there, and has no members yet.{' '}
            <Link to="/workspaces/$workspace/settings/members" params={{ workspace: made }}>
              Add members
            </Link>
          </p>
        )
      }
    >
      <TextInput
        label="Name"
        placeholder="fraud-detection"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        required
        maxLength={64}
      />
    </MakingForm>
  );
}
