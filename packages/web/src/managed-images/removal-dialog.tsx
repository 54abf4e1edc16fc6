import { Button, Modal, Skeleton, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { imageQuery, runsQuery, usageQuery, versionsQuery } from '../api/image-queries.ts';
import type { ImageDetails, ImageSummary, TestRun } from '../api/types.ts';
import { counted, formatSize } from '../format/size.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Time } from '../parts/time.tsx';
import classes from './removal-dialog.module.css';

const runsShown = 3;
const namesShown = 5;

/** What is to be removed, and what follows. */
export type RemovalDialogProps = {
  readonly image: Pick<ImageSummary, 'name'> | undefined;
  readonly onClose: () => void;
  readonly onRemoved?: (name: string) => void;
};

/** Asks before an image is removed: who uses it, what is lost, and what can be had back. */
export function RemovalDialog({ image, onClose, onRemoved }: RemovalDialogProps) {
  return (
    <Modal opened={image !== undefined} onClose={onClose} title={`Remove ${image?.name ?? ''}?`} size="lg">
      {image !== undefined && <Removal name={image.name} onClose={onClose} onRemoved={onRemoved} />}
    </Modal>
  );
}

type RemovalProps = {
  readonly name: string;
  readonly onClose: () => void;
  readonly onRemoved: ((name: string) => void) | undefined;
};

function Removal({ name, onClose, onRemoved }: RemovalProps) {
  const [typed, setTyped] = useState('');
  const queryClient = useQueryClient();
  const details = useQuery({ ...imageQuery(name), staleTime: 0 });
  const image = details.data?.image;
  const isInUse = (image?.uses.length ?? 0) > 0;
  const removal = useMutation({
    mutationFn: () => call('deleteImage', { params: { name }, query: isInUse ? { force: 'true' } : {} }),
    onSuccess: async () => {
      onRemoved?.(name);
      onClose();
      queryClient.removeQueries({ queryKey: ['image', name] });
      await queryClient.invalidateQueries({ queryKey: ['images'] });
    },
    // Somebody may have begun to use it a moment ago.
    onError: () => void details.refetch(),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        removal.mutate();
      }}
    >
      <div className={classes['body']}>
        {details.isError ? (
          <FaultMessage fault={details.error} />
        ) : image === undefined ? (
          <Skeleton height={150} />
        ) : (
          <>
            <p>It is gone for every workspace of this instance at once.</p>
            <Users image={image} />
            <Losses image={image} />
            {isInUse && (
              <TextInput
                label={`It is in use. Type ${name} to remove it all the same`}
                value={typed}
                onChange={(event) => setTyped(event.currentTarget.value)}
                autoComplete="off"
                spellCheck={false}
              />
            )}
          </>
        )}
        {removal.isError && <FaultMessage fault={removal.error} />}
      </div>
      <div className={classes['buttons']}>
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button
          type="submit"
          color="red.9"
          loading={removal.isPending}
          disabled={image === undefined || (isInUse && typed !== name)}
        >
          Remove image
        </Button>
      </div>
    </form>
  );
}

function Users({ image }: { readonly image: ImageDetails }) {
  const usage = useQuery(usageQuery(image.name));
  const runs = useQuery(runsQuery(image.name, runsShown));
  const { children = 0, workspaces = [], runs: count = 0 } = usage.data ?? {};
  const isUnused = usage.isSuccess && count === 0 && children === 0 && image.uses.length === 0;
  return (
    <section>
      <h3>Who uses it</h3>
      {usage.isPending && <Skeleton height={40} />}
      {usage.isError && <FaultMessage fault={usage.error} />}
      {isUnused && <p>Nobody so far: no test run used it, and no image is made from it.</p>}
      <ul>
        {image.uses.length > 0 && (
          <li>
            <strong>In use now</strong> by{' '}
            {image.uses
              .slice(0, namesShown)
              .map(({ by }) => by)
              .join(', ')}
            {image.uses.length > namesShown && ` and ${image.uses.length - namesShown} more`}
          </li>
        )}
        {workspaces.length > 0 && (
          <li>
            {counted(count, 'test run')} in{' '}
            {workspaces.map(({ name, runs: ofThem }) => `${name} (${ofThem})`).join(', ')}
          </li>
        )}
        {runs.data?.runs.map((run) => (
          <LastRun key={run.id} run={run} />
        ))}
        {children > 0 && (
          <li>
            {counted(children, 'image')} made from it: {image.children.slice(0, namesShown).join(', ')}
            {children > namesShown && ' …'}. They stay as they are.
          </li>
        )}
      </ul>
    </section>
  );
}

function LastRun({ run }: { readonly run: TestRun }) {
  return (
    <li className={classes['run']}>
      <Time at={run.createdAt} /> by {run.creator ?? 'somebody who has left'}:{' '}
      <code className="code">{run.command.join(' ')}</code>
    </li>
  );
}

function Losses({ image }: { readonly image: ImageDetails }) {
  const versions = useQuery(versionsQuery(image.name));
  const count = versions.data?.versions.length ?? 1;
  return (
    <section>
      <h3>What is lost, and what is not</h3>
      <ul>
        <li>
          The repository with {counted(count, 'version')}
          {image.sizeBytes !== null && `, ${formatSize(image.sizeBytes)} as it stands`}. Layers that other images share
          stay.
        </li>
        <li>The name is free at once. Whatever names this image from then on fails.</li>
        <li>
          {image.currentVersion === null
            ? 'No version is ready, so restoring it means building it from what was asked for.'
            : `An administrator can restore version ${image.currentVersion}: it is built again from its lock, with the same digest. Older versions are not had back.`}
        </li>
      </ul>
    </section>
  );
}
