import { NativeSelect } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { call } from '../api/call.ts';
import { byPageToken } from '../api/paging.ts';
import { counted, formatSize } from '../format/size.ts';
import { DataTable } from '../parts/data-table.tsx';
import { Heading } from '../parts/heading.tsx';
import { PagedPane } from '../parts/paged-pane.tsx';
import { Pane } from '../parts/pane.tsx';
import { Time } from '../parts/time.tsx';
import classes from './administration.module.css';

const pageSize = 100;
const choices: readonly { readonly value: string; readonly label: string }[] = [
  { value: 'all', label: 'All, the largest first' },
  ...[7, 30, 90, 180].map((days) => ({ value: String(days), label: `Not used for ${days} days` })),
  { value: 'never', label: 'Never used' },
];

/** What is held, what sharing saves, and what could go. */
export function Storage() {
  const storage = useQuery({
    queryKey: ['storage', 'figures'],
    queryFn: ({ signal }) => call('getStorage', { query: { limit: 1 }, signal }),
  });
  return (
    <>
      <Heading order={2} title="Storage" about="Layers are held once, however many images have them.">
        Storage
      </Heading>
      <Pane query={storage} height={96}>
        {({ heldBytes, withoutSharingBytes, savedBytes, layers }) => (
          <dl className={classes['figures']}>
            <Figure name="Held" value={formatSize(heldBytes)} about={counted(layers, 'layer')} />
            <Figure name="Without sharing" value={formatSize(withoutSharingBytes)} about="as many copies" />
            <Figure
              name="Saved by sharing"
              value={formatSize(savedBytes)}
              about={withoutSharingBytes === 0 ? '–' : `${Math.round((100 * savedBytes) / withoutSharingBytes)} %`}
            />
          </dl>
        )}
      </Pane>
      <Images />
      <NearDuplicates />
    </>
  );
}

function Images() {
  const { unused } = useSearch({ from: '/shell/administration/storage' });
  const navigate = useNavigate({ from: '/administration/storage' });
  const pages = useInfiniteQuery({
    queryKey: ['storage', 'images', unused ?? 'all'],
    queryFn: ({ pageParam, signal }) =>
      call('listImageStorage', {
        query: {
          pageSize,
          ...(unused === 'never' ? { neverUsed: 'true' as const } : unused !== undefined && { unusedDays: unused }),
          pageToken: pageParam,
        },
        signal,
      }),
    ...byPageToken,
    placeholderData: keepPreviousData,
  });
  const isOther = unused !== undefined && !choices.some(({ value }) => value === String(unused));
  return (
    <>
      <NativeSelect
        label="Images"
        description={unused === undefined || unused === 'never' ? undefined : 'Neither made nor used within that time.'}
        className={classes['choice'] ?? ''}
        value={String(unused ?? 'all')}
        onChange={({ currentTarget: { value } }) =>
          void navigate({
            search: value === 'all' ? {} : { unused: value === 'never' ? value : Number(value) },
            resetScroll: false,
          })
        }
        data={[...choices, ...(isOther ? [{ value: String(unused), label: `Not used for ${unused} days` }] : [])]}
      />
      <PagedPane
        pages={pages}
        itemsOf={(page) => page.images}
        height={320}
        whenEmpty={unused === undefined ? 'No image holds anything yet.' : 'No image is like that.'}
      >
        {(images) => (
          <DataTable label="Images" minWidth={560}>
            <thead>
              <tr>
                <th scope="col">Image</th>
                <th scope="col" data-number>
                  Size
                </th>
                <th scope="col" data-number title="What would be free if it were removed">
                  Its own
                </th>
                <th scope="col" data-number>
                  Versions
                </th>
                <th scope="col">Last used</th>
                <th scope="col">Made</th>
              </tr>
            </thead>
            <tbody>
              {images.map((image) => (
                <tr key={image.name}>
                  <th scope="row">
                    <Link to="/images/$name" params={{ name: image.name }}>
                      {image.name}
                    </Link>
                  </th>
                  <td data-number>{formatSize(image.sizeBytes)}</td>
                  <td data-number>{formatSize(image.ownBytes)}</td>
                  <td data-number>{image.versions}</td>
                  <td>{image.lastUsedAt === null ? 'never' : <Time at={image.lastUsedAt} />}</td>
                  <td>
                    <Time at={image.createdAt} />
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

function Figure({ name, value, about }: { readonly name: string; readonly value: string; readonly about: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="number">{value}</dd>
      <dd>{about}</dd>
    </div>
  );
}

function NearDuplicates() {
  const found = useQuery({
    queryKey: ['near-duplicates'],
    queryFn: ({ signal }) => call('listNearDuplicates', { query: {}, signal }),
  });
  return (
    <>
      <h3 className={classes['title']}>Nearly the same</h3>
      <Pane query={found} height={80}>
        {({ pairs }) =>
          pairs.length === 0 ? (
            <p>No two images hold nearly the same packages.</p>
          ) : (
            <ul className={classes['pairs']}>
              {pairs.map(({ names, common, different, similarity }) => (
                <li key={names.join(' ')}>
                  {names.map((name, at) => (
                    <span key={name}>
                      {at > 0 && ' and '}
                      <Link to="/images/$name" params={{ name }}>
                        {name}
                      </Link>
                    </span>
                  ))}
                  : {Math.round(similarity * 100)} % the same, {counted(common, 'package')} in common, {different} not
                </li>
              ))}
            </ul>
          )
        }
      </Pane>
    </>
  );
}
