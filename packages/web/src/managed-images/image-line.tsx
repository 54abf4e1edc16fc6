import { VisuallyHidden } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import type { ImageSummary, JobDetails } from '../api/types.ts';
import { formatSize } from '../format/size.ts';
import { BuildProgress } from '../images/build-progress.tsx';
import { StatusChip } from '../images/status-chip.tsx';
import { Time } from '../parts/time.tsx';
import { loadPart } from '../shell/application-part.ts';
import classes from './image-table.module.css';
import { RowButton } from './row-button.tsx';

/** Every row is so high, so that the place of each is known before it is drawn. */
export const rowHeight = 43;

const columns = ['status', 'type', 'python', 'number', 'size', 'creator', 'created', 'time', 'menu'] as const;

/** The outline of an image that is on its way, or the room of one that has gone. */
export function LineToCome({ index, isExpected }: { readonly index: number; readonly isExpected: boolean }) {
  return (
    <tr aria-rowindex={index + 2} style={{ height: rowHeight }}>
      <th scope="row" className={classes['name']}>
        {isExpected && (
          <>
            <span className={classes['outline']} aria-hidden="true" />
            <VisuallyHidden>On its way</VisuallyHidden>
          </>
        )}
      </th>
      {columns.map((name) => (
        <td key={name} className={classes[name]} />
      ))}
    </tr>
  );
}

type ImageLineProps = {
  readonly image: ImageSummary;
  readonly index: number;
  readonly build: JobDetails | undefined;
  /** So many builds at least are before it, where its own is not known. */
  readonly behind: number | undefined;
  readonly onRemove: (image: ImageSummary) => void;
};

/** An image in the list. */
export function ImageLine({ image, index, build, behind, onRemove }: ImageLineProps) {
  const isBehind = build === undefined && behind !== undefined && isToBeBuilt(image);
  const isGoing = build !== undefined || isBehind;
  return (
    <tr aria-rowindex={index + 2} style={{ height: rowHeight }}>
      <th scope="row" className={classes['name']}>
        <Link to="/images/$name" params={{ name: image.name }} title={image.name}>
          {image.name}
        </Link>
      </th>
      <td className={classes['status']}>
        <div className={classes['state']} data-going={isGoing}>
          <StatusChip status={image.status} />
          {build !== undefined && <BuildProgress job={build} />}
          {isBehind && <span className={classes['behind']}>Waiting behind {behind} others</span>}
        </div>
      </td>
      <td className={classes['type']}>{image.roleType === 'SYSTEM' ? 'system' : (image.imageType ?? '–')}</td>
      <td className={classes['python']}>{image.pythonVersion ?? '–'}</td>
      <td className={classes['number']}>{image.packages === 0 ? '–' : image.packages}</td>
      <td className={classes['size']}>{image.sizeBytes === null ? '–' : formatSize(image.sizeBytes)}</td>
      <td className={classes['creator']} title={image.creator ?? undefined}>
        {image.creator ?? (image.roleType === 'SYSTEM' ? 'the instance' : '–')}
      </td>
      <td className={classes['created']}>
        <Time at={image.createdAt} />
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

function isToBeBuilt({ status }: ImageSummary): boolean {
  return status === 'BUILDING_FIRST_TIME' || status === 'REBUILDING';
}

function RowMenu({ image, onRemove }: Pick<ImageLineProps, 'image' | 'onRemove'>) {
  // What could not be fetched stays so for this one; whoever tries again gets another.
  const [RowActions] = useState(() => lazy(loadRowActions));
  const [isWanted, setIsWanted] = useState(false);
  const button = (
    <RowButton name={image.name} aria-haspopup="menu" aria-expanded={false} onClick={() => setIsWanted(true)} />
  );
  if (!isWanted) return button;
  return (
    <Suspense fallback={button}>
      <RowActions image={image} onRemove={onRemove} />
    </Suspense>
  );
}

async function loadRowActions() {
  const { RowActions } = await loadPart(() => import('./row-actions.tsx'));
  return { default: RowActions };
}
