import { ActionIcon, Menu } from '@mantine/core';
import { useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { isAdministrator, meQuery } from '../api/queries.ts';
import type { ImageSummary, JobDetails } from '../api/types.ts';
import { formatSize } from '../format/size.ts';
import { Icon } from '../icons/icon.tsx';
import { BuildProgress } from '../images/build-progress.tsx';
import { StatusChip } from '../images/status-chip.tsx';
import { Time } from '../parts/time.tsx';
import type { Sort } from './image-filter.ts';
import classes from './image-table.module.css';

/** Every row is so high, so that the place of each is known before it is drawn. */
const rowHeight = 49;
/** The next page is asked for when so few rows are left below. */
const rowsAhead = 30;

type ImageTableProps = {
  readonly images: readonly ImageSummary[];
  readonly builds: ReadonlyMap<string, JobDetails>;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
  readonly hasMore: boolean;
  /** Whether images are on their way: more are asked for when those have come, or did not. */
  readonly isFetching: boolean;
  readonly onMore: () => void;
  readonly onRemove: (image: ImageSummary) => void;
};

/** Images, a row each. Only those that are seen are drawn, and more are asked for as somebody scrolls. */
export function ImageTable({ images, builds, sort, onSort, hasMore, isFetching, onMore, onRemove }: ImageTableProps) {
  const frame = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: images.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const drawn = rows.getVirtualItems();
  const last = drawn.at(-1)?.index ?? 0;
  const isNearEnd = hasMore && last >= images.length - rowsAhead;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once for each page that came or failed to, not whenever the caller is drawn.
  useEffect(() => {
    if (isNearEnd && !isFetching) onMore();
  }, [isNearEnd, images.length, isFetching]);
  const above = drawn[0]?.start ?? 0;
  const below = rows.getTotalSize() - (drawn.at(-1)?.end ?? 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard, too.
    <section ref={frame} className={classes['frame']} aria-label="Images" tabIndex={0}>
      {/* Rows that are not drawn leave their room above and below. */}
      <div style={{ paddingBlock: `${above}px ${below}px` }}>
        <table className={classes['table']} aria-rowcount={hasMore ? -1 : images.length + 1}>
          <thead>
            <tr>
              <SortableHead name="Name" by="name" sort={sort} onSort={onSort} className={classes['name']} />
              <th scope="col" className={classes['status']}>
                Status
              </th>
              <th scope="col" className={classes['type']}>
                Type
              </th>
              <th scope="col" className={classes['python']}>
                Python
              </th>
              <th scope="col" className={classes['number']}>
                Packages
              </th>
              <th scope="col" className={classes['size']}>
                Size
              </th>
              <th scope="col" className={classes['creator']}>
                Creator
              </th>
              <SortableHead name="Updated" by="updatedAt" sort={sort} onSort={onSort} className={classes['time']} />
              <th scope="col" className={classes['menu']}>
                <span className={classes['hidden']}>Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {drawn.map(({ index }) => {
              const image = images[index];
              return (
                image !== undefined && (
                  <ImageLine
                    key={image.name}
                    image={image}
                    index={index}
                    build={builds.get(image.name)}
                    onRemove={onRemove}
                  />
                )
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

type SortableHeadProps = {
  readonly name: string;
  readonly by: 'name' | 'updatedAt';
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
  readonly className: string | undefined;
};

function SortableHead({ name, by, sort, onSort, className }: SortableHeadProps) {
  const direction = sort === by ? 'ascending' : sort === `-${by}` ? 'descending' : 'none';
  // Names begin at a, times with the latest.
  const next: Sort = direction === 'none' ? (by === 'name' ? by : `-${by}`) : direction === 'ascending' ? `-${by}` : by;
  return (
    <th scope="col" className={className} aria-sort={direction}>
      <button type="button" className={classes['sort']} onClick={() => onSort(next)}>
        {name}
        {direction !== 'none' && <Icon name={direction === 'ascending' ? 'up' : 'down'} size={12} />}
      </button>
    </th>
  );
}

type ImageLineProps = {
  readonly image: ImageSummary;
  readonly index: number;
  readonly build: JobDetails | undefined;
  readonly onRemove: (image: ImageSummary) => void;
};

function ImageLine({ image, index, build, onRemove }: ImageLineProps) {
  return (
    <tr aria-rowindex={index + 2} style={{ height: rowHeight }}>
      <th scope="row" className={classes['name']}>
        <Link to="/images/$name" params={{ name: image.name }} title={image.name}>
          {image.name}
        </Link>
      </th>
      <td className={classes['status']}>
        <div className={classes['state']}>
          <StatusChip status={image.status} />
          {build !== undefined && <BuildProgress job={build} />}
        </div>
      </td>
      <td className={classes['type']}>{image.roleType === 'SYSTEM' ? 'system' : (image.imageType ?? '–')}</td>
      <td className={classes['python']}>{image.pythonVersion ?? '–'}</td>
      <td className={classes['number']}>{image.packages === 0 ? '–' : image.packages}</td>
      <td className={classes['size']}>{image.sizeBytes === null ? '–' : formatSize(image.sizeBytes)}</td>
      <td className={classes['creator']} title={image.creator ?? undefined}>
        {image.creator ?? (image.roleType === 'SYSTEM' ? 'the instance' : '–')}
      </td>
      <td className={classes['time']}>
        <Time at={image.updatedAt} />
      </td>
      <td className={classes['menu']}>
        <RowMenu image={image} onRemove={onRemove} />
      </td>
    </tr>
  );
}

function RowMenu({ image, onRemove }: Pick<ImageLineProps, 'image' | 'onRemove'>) {
  const { data: me } = useSuspenseQuery(meQuery);
  const mayRemove = isAdministrator(me) && image.roleType !== 'SYSTEM';
  return (
    <Menu position="bottom-end" width={180} withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${image.name}`} data-menu-of={image.name}>
          <Icon name="dots" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          component={Link}
          to={`/images/${encodeURIComponent(image.name)}`}
          leftSection={<Icon name="image" />}
        >
          Open
        </Menu.Item>
        {mayRemove && (
          <Menu.Item c="var(--bad-text)" leftSection={<Icon name="trash" />} onClick={() => onRemove(image)}>
            Remove
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
