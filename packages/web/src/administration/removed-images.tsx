import { Button, Table } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { call } from '../api/call.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import { Time } from '../parts/time.tsx';
import frame from '../workspaces/settings/members.module.css';

/** Images that were removed; what their versions were made of is still known, so they can be made again. */
export function RemovedImages() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const pages = useInfiniteQuery({
    queryKey: ['removed-images'],
    queryFn: ({ pageParam, signal }) =>
      call('listRemovedImages', {
        query: { pageSize: 100, ...(pageParam !== '' && { pageToken: pageParam }) },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken,
  });
  const restoring = useMutation({
    mutationFn: ({ id }: { readonly id: number; readonly name: string }) =>
      call('restoreImage', { params: { id: String(id) }, body: {} }),
    onSuccess: async (_, { name }) => {
      await queryClient.invalidateQueries();
      await navigate({ to: '/images/$name', params: { name } });
    },
  });
  return (
    <>
      <Heading
        order={2}
        title="Removed images"
        about="Restoring builds the last version again from its lock, to the same digest."
      >
        Removed images
      </Heading>
      {restoring.isError && <FaultMessage fault={restoring.error} />}
      <Pane query={pages} height={200}>
        {(data) => {
          const images = data.pages.flatMap((page) => page.images);
          if (images.length === 0) return <p>No image has been removed.</p>;
          return (
            <>
              <Table.ScrollContainer minWidth={480} className={frame['frame'] ?? ''}>
                <Table>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Image</Table.Th>
                      <Table.Th>Last version</Table.Th>
                      <Table.Th>Removed</Table.Th>
                      <Table.Th>By</Table.Th>
                      <Table.Th>Restore</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {images.map(({ id, name, version, removedAt, removedBy }) => (
                      <Table.Tr key={id}>
                        <Table.Th scope="row">{name}</Table.Th>
                        <Table.Td>{version === null ? 'none was ready' : `v${version}`}</Table.Td>
                        <Table.Td>
                          <Time at={removedAt} />
                        </Table.Td>
                        <Table.Td>{removedBy ?? '–'}</Table.Td>
                        <Table.Td>
                          <Button
                            size="compact-sm"
                            variant="default"
                            disabled={version === null}
                            loading={restoring.isPending && restoring.variables.id === id}
                            onClick={() => restoring.mutate({ id, name })}
                            aria-label={`Restore ${name}`}
                          >
                            Restore
                          </Button>
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              {pages.hasNextPage && (
                <Button variant="subtle" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
                  Show more
                </Button>
              )}
            </>
          );
        }}
      </Pane>
    </>
  );
}
