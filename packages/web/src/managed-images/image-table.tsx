import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import type { ImageSummary } from '../api/types.ts';
import type { LiveBuilds } from '../images/live-images.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import type { ImageFilter } from './image-filter.ts';
import { ImageLine, LineToCome, rowHeight } from './image-line.tsx';
import { firstOrder, type Sort } from './image-order.ts';
import { keyOf, useImagesAround } from './image-pages.ts';
import classes from './image-table.module.css';
import { ListPlace } from './list-place.tsx';
import { SortableHead } from './sortable-head.tsx';
import { useReturning } from './use-returning.ts';
import { useStandingStill } from './use-standing-still.ts';

/** Browsers draw nothing that is higher than some 17 million points. Whoever has more images than fit there narrows the list. */
const rowLimit = 300_000;
/** As in the style of the table's head. */
const headHeight = 38;

type ImageTableProps = {
  readonly filter: ImageFilter;
  readonly total: number;
  /** Else there may be more than the total says. */
  readonly isCounted: boolean;
  readonly builds: LiveBuilds;
  readonly onSort: (sort: Sort) => void;
  readonly onRemove: (image: ImageSummary) => void;
};

/** Images, a row each. The whole list can be scrolled through; only the rows that are seen are drawn, and asked for. */
export function ImageTable({ filter, total, isCounted, builds, onSort, onRemove }: ImageTableProps) {
  const frame = useRef<HTMLElement>(null);
  const count = Math.min(total, rowLimit);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const drawn = rows.getVirtualItems();
  const [firstDrawn, lastDrawn] = [drawn[0]?.index ?? 0, drawn.at(-1)?.index ?? 0];
  const images = useImagesAround(filter, firstDrawn, lastDrawn);
  const list = keyOf(filter);
  useReturning({ frame, list, height: headHeight + count * rowHeight, isWhole: isCounted });
  useStandingStill(frame, list, images, rowHeight);
  const above = drawn[0]?.start ?? 0;
  const below = rows.getTotalSize() - (drawn.at(-1)?.end ?? 0);
  const sort = filter.sort ?? firstOrder;
  const names = new Set<string>();
  return (
    <>
      {images.error !== null && <FaultMessage fault={images.error} />}
      <section
        ref={frame}
        className={classes['frame']}
        aria-label="Images"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard, too.
        tabIndex={0}
      >
        {/* Rows that are not drawn leave their room above and below. */}
        <div style={{ paddingBlock: `${above}px ${below}px` }}>
          <table className={classes['table']} aria-rowcount={total + 1}>
            <thead>
              <tr>
                <SortableHead name="Name" by="name" sort={sort} onSort={onSort} className={classes['name']} />
                <SortableHead name="Status" by="status" sort={sort} onSort={onSort} className={classes['status']} />
                <SortableHead name="Type" by="type" sort={sort} onSort={onSort} className={classes['type']} />
                <SortableHead name="Python" by="python" sort={sort} onSort={onSort} className={classes['python']} />
                <SortableHead name="Packages" by="packages" sort={sort} onSort={onSort} className={classes['number']} />
                <SortableHead name="Size" by="size" sort={sort} onSort={onSort} className={classes['size']} />
                <SortableHead name="Creator" by="creator" sort={sort} onSort={onSort} className={classes['creator']} />
                <SortableHead
                  name="Created"
                  by="createdAt"
                  sort={sort}
                  onSort={onSort}
                  className={classes['created']}
                />
                <SortableHead name="Updated" by="updatedAt" sort={sort} onSort={onSort} className={classes['time']} />
                <th scope="col" className={classes['menu']}>
                  <span className={classes['hidden']}>Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {drawn.map(({ index }) => {
                const image = images.at(index);
                // While pages come one after the other, an image may stand on two of them for a moment.
                if (image === undefined || image === null || names.has(image.name)) {
                  return <LineToCome key={index} index={index} isExpected={image === undefined} />;
                }
                names.add(image.name);
                return (
                  <ImageLine
                    key={image.name}
                    image={image}
                    index={index}
                    build={builds.byImage.get(image.name)}
                    behind={builds.behind}
                    onRemove={onRemove}
                  />
                );
              })}
            </tbody>
          </table>
        </div>
      </section>
      <ListPlace
        filter={filter}
        range={visibleRange(rows.scrollOffset ?? 0, rows.scrollRect?.height ?? 0, count)}
        total={total}
        shown={count}
        onGo={(index) => rows.scrollToIndex(index, { align: 'start' })}
      />
    </>
  );
}

/** The rows that are wholly seen, counted from one; the head of the table covers the first of them. */
function visibleRange(offset: number, height: number, count: number): readonly [number, number] {
  const first = Math.min(Math.ceil(offset / rowHeight), Math.max(0, count - 1));
  const last = Math.min(count, Math.max(first + 1, Math.floor((offset + height - headHeight) / rowHeight)));
  return [first + 1, last];
}
