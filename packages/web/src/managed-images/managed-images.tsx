import { Button, Loader } from '@mantine/core';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { isApiFault } from '../api/fault.ts';
import type { ImageSummary } from '../api/types.ts';
import { Icon } from '../icons/icon.tsx';
import { useLiveBuilds } from '../images/live-images.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { focusHeading, Heading } from '../parts/heading.tsx';
import { FilterBar } from './filter-bar.tsx';
import { type ImageFilter, imageFilterOf, isFiltered } from './image-filter.ts';
import { useImageList } from './image-pages.ts';
import { ImageTable } from './image-table.tsx';
import classes from './managed-images.module.css';
import { NoImages } from './no-images.tsx';
import { Removal } from './removal.tsx';

/** The Managed Images pane: every image of the instance, whichever workspace it was made from. */
export function ManagedImages() {
  const { workspace } = useParams({ from: '/shell/workspaces/$workspace/settings/managed-images' });
  const filter = useSearch({ from: '/shell/workspaces/$workspace/settings/managed-images' });
  const navigate = useNavigate({ from: '/workspaces/$workspace/settings/managed-images' });
  const list = useImageList(filter);
  const builds = useLiveBuilds();
  const [removing, setRemoving] = useState<ImageSummary>();
  const [removed, setRemoved] = useState<string>();
  const gone = useRef<string>(undefined);
  const change = (changed: ImageFilter, isTyping = false) =>
    void navigate({ search: changed, replace: isTyping, resetScroll: false });
  const { total, error } = list;
  if (isApiFault(error, 'image/disabled')) return <Disabled why={error.message} />;
  return (
    <>
      <Heading
        order={2}
        title={`Managed Images · ${workspace}`}
        about="Every image of this instance; all workspaces share them."
        actions={total === 0 ? undefined : <CreateButton />}
      >
        Managed Images
      </Heading>
      <FilterBar
        filter={filter}
        onChange={change}
        total={total}
        isCounted={list.isCounted}
        isLoading={list.isFetching}
      />
      <p role="status" className={classes['done']}>
        {removed !== undefined && `${removed} is removed. An administrator can restore it.`}
      </p>
      {error !== null && (
        <FaultMessage fault={error}>
          <Button size="xs" variant="default" onClick={list.tryAgain}>
            Try again
          </Button>
        </FaultMessage>
      )}
      {total === 0 ? (
        <NoImages isFiltered={isFiltered(list.filter)} onClear={() => change({})} />
      ) : (
        total !== undefined && (
          <ImageTable
            filter={list.filter}
            total={total}
            isCounted={list.isCounted}
            builds={builds}
            onSort={(sort) => change(imageFilterOf({ ...filter, sort }))}
            onRemove={setRemoving}
          />
        )
      )}
      {total === undefined && error === null && (
        <p role="status">
          <Loader size="xs" /> Loading the images
        </p>
      )}
      <Removal
        image={removing}
        onClose={() => {
          setRemoving(undefined);
          returnFocus(removing?.name === gone.current ? undefined : removing?.name);
        }}
        onRemoved={(name) => {
          gone.current = name;
          setRemoved(name);
        }}
      />
    </>
  );
}

function CreateButton() {
  return (
    <Button component={Link} to="/create-image" leftSection={<Icon name="add" />}>
      Create an image
    </Button>
  );
}

/** To the menu that the dialog was opened from; to the heading when its row goes. */
function returnFocus(name: string | undefined): void {
  requestAnimationFrame(() => {
    const menu = document.querySelector<HTMLElement>(`[data-menu-of="${CSS.escape(name ?? '')}"]`);
    if (menu === null) focusHeading();
    else menu.focus();
  });
}

/** Where there are no managed images, that is said, and nothing fails. */
function Disabled({ why }: { readonly why: string }) {
  return (
    <>
      <Heading order={2} title="Managed Images">
        Managed Images
      </Heading>
      <p>{why}.</p>
    </>
  );
}
