import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../api/call.ts';
import type { ApiToken } from '../../api/types.ts';
import { Confirmation } from '../../parts/confirmation.tsx';
import { ActionsHead, DataTable } from '../../parts/data-table.tsx';
import { DoneNote } from '../../parts/done-note.tsx';
import { Time } from '../../parts/time.tsx';

type TokenTableProps = {
  readonly tokens: readonly ApiToken[];
  /** Where they are of several workspaces, each says of which. */
  readonly hasWorkspaces?: boolean;
  /** What is said where there are none. */
  readonly whenEmpty: string;
};

/** API access tokens, each of which can be revoked. */
export function TokenTable({ tokens, hasWorkspaces = false, whenEmpty }: TokenTableProps) {
  const queryClient = useQueryClient();
  const [revoking, setRevoking] = useState<ApiToken>();
  const [revoked, setRevoked] = useState<ApiToken>();
  const revocation = useMutation({
    mutationFn: ({ id }: ApiToken) => call('deleteApiToken', { params: { id } }),
    onSuccess: (_, token) => {
      setRevoked(token);
      setRevoking(undefined);
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['tokens'] }),
  });
  return (
    <>
      <DoneNote isGone={revoked !== undefined && !tokens.some(({ id }) => id === revoked.id)}>
        {revoked?.name} of {revoked?.user} is revoked.
      </DoneNote>
      {tokens.length === 0 ? (
        <p>{whenEmpty}</p>
      ) : (
        <DataTable label="API access tokens" minWidth={hasWorkspaces ? 680 : 560}>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Owner</th>
              {hasWorkspaces && <th scope="col">Workspace</th>}
              <th scope="col">Made</th>
              <th scope="col">Last used</th>
              <th scope="col">Expires</th>
              <ActionsHead />
            </tr>
          </thead>
          <tbody>
            {tokens.map((token) => (
              <tr key={token.id}>
                <th scope="row">{token.name}</th>
                <td>{token.user}</td>
                {hasWorkspaces && <td>{token.workspace}</td>}
                <td>
                  <Time at={token.createdAt} />
                </td>
                <td>{token.lastUsedAt === null ? 'never' : <Time at={token.lastUsedAt} />}</td>
                <td>
                  <Time at={token.expiresAt} />
                </td>
                <td data-number>
                  <Button
                    size="compact-sm"
                    variant="subtle"
                    color="gray"
                    aria-label={`Revoke ${token.name} of ${token.user}`}
                    onClick={() => {
                      revocation.reset();
                      setRevoking(token);
                    }}
                  >
                    Revoke
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </DataTable>
      )}
      <Confirmation
        title={revoking === undefined ? undefined : `Revoke ${revoking.name} of ${revoking.user}?`}
        action="Revoke token"
        isPending={revocation.isPending}
        fault={revocation.error}
        onConfirm={() => revoking !== undefined && revocation.mutate(revoking)}
        onClose={() => setRevoking(undefined)}
      >
        <p>Programs that use it are refused at once. It cannot be had back; a new one can be made.</p>
      </Confirmation>
    </>
  );
}
