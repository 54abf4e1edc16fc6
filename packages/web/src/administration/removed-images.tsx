import { Button } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { call } from '../api/call.ts';
import { byPageToken } from '../api/paging.ts';
import { DataTable } from '../parts/data-table.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { PagedPane } from '../parts/paged-pane.tsx';
import { Time } from '../parts/time.tsx';

/** Images that were removed; what their versions were made of is still known, so they can be made again. */
export function RemovedImages() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const pages = useInfiniteQuery({
    queryKey: ['removed-images'],
    queryFn: ({ pageParam, signal }) =>
      call('listRemovedImages', {
        query: { pageSize: 100, pageToken: pageParam },
        signal,
      }),
    ...byPageToken,
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
      <PagedPane pages={pages} itemsOf={(page) => page.images} height={200} whenEmpty="No image has been removed.">
        {(images) => (
          <DataTable label="Removed images" minWidth={480}>
            <thead>
              <tr>
                <th scope="col">Image</th>
                <th scope="col">Last version</th>
                <th scope="col">Removed</th>
                <th scope="col">By</th>
                <th scope="col">Restore</th>
              </tr>
            </thead>
            <tbody>
              {images.map(({ id, name, version, removedAt, removedBy }) => (
                <tr key={id}>
                  <th scope="row">{name}</th>
                  <td>{version === null ? 'none was ready' : `v${version}`}</td>
                  <td>
                    <Time at={removedAt} />
                  </td>
                  <td>{removedBy ?? '–'}</td>
                  <td>
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
                  </td>
                </tr>
              ))}
            </tbody>
          </DataTable>
        )}
      </PagedPane>
    </>
  );
}
