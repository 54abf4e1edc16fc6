import { Button } from '@mantine/core';
import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { faultOfFailure } from '../api/fault.ts';
import { imageQuery } from '../api/image-queries.ts';
import type { ImageDetails, JobDetails } from '../api/types.ts';
import { withShortDigests } from '../format/digest.ts';
import { counted, formatSize } from '../format/size.ts';
import { Icon } from '../icons/icon.tsx';
import { BuildProgress } from '../images/build-progress.tsx';
import { useLiveImages } from '../images/live-images.ts';
import { StatusChip } from '../images/status-chip.tsx';
import { Removal } from '../managed-images/removal.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { LinkButton } from '../parts/link-button.tsx';
import { StaleNote } from '../parts/stale-note.tsx';
import { Time } from '../parts/time.tsx';
import { useCurrentWorkspace } from '../shell/current-workspace.ts';
import classes from './image.module.css';
import { Views } from './views.tsx';

/** An image: what is in it, how to use it, how it came to be, and who uses it. */
export function Image() {
  const { name } = useParams({ from: '/shell/images/$name' });
  const details = useSuspenseQuery(imageQuery(name));
  const { image } = details.data;
  const builds = useLiveImages();
  const job = builds.get(name) ?? image.job ?? undefined;
  return (
    <>
      <Back />
      <Heading title={name} about={<About image={image} />} actions={<Actions image={image} job={job} />}>
        {name}
      </Heading>
      <StaleNote query={details} />
      <State image={image} job={job} />
      <Views image={image} />
      <Outlet />
    </>
  );
}

function Back() {
  const workspace = useCurrentWorkspace();
  if (workspace === undefined) return null;
  return (
    <Link to="/workspaces/$workspace/settings/managed-images" params={{ workspace }} className={classes['back']}>
      <Icon name="back" size={14} /> Managed images
    </Link>
  );
}

function About({ image }: { readonly image: ImageDetails }) {
  const facts = [
    image.currentVersion === null ? 'no version is ready' : `version ${image.currentVersion}`,
    image.pythonVersion === null ? undefined : `Python ${image.pythonVersion}`,
    image.base ?? undefined,
    image.imageType === null ? undefined : `type ${image.imageType}`,
    image.packages === 0 ? undefined : counted(image.packages, 'package'),
    image.sizeBytes === null ? undefined : formatSize(image.sizeBytes),
    image.spec.platforms.join(', '),
  ].filter((fact) => fact !== undefined);
  return (
    <span className={classes['about']}>
      <StatusChip status={image.status} />
      <span>
        {facts.join(' · ')} · made by {image.creator ?? 'the instance'} <Time at={image.createdAt} />
      </span>
    </span>
  );
}

function Actions({ image, job }: { readonly image: ImageDetails; readonly job: JobDetails | undefined }) {
  const [isRemoving, setIsRemoving] = useState(false);
  const workspace = useCurrentWorkspace();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const cancelling = useMutation({
    mutationFn: (jobId: string) => call('cancelJob', { params: { jobId } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['image', image.name] }),
  });
  return (
    <>
      {job !== undefined && job.finishedAt === null && image.rights.alter && (
        <Button
          variant="default"
          size="sm"
          loading={cancelling.isPending}
          disabled={job.cancellationRequested}
          onClick={() => cancelling.mutate(job.jobId)}
        >
          Cancel the build
        </Button>
      )}
      {image.rights.remove && (
        <Button variant="default" size="sm" onClick={() => setIsRemoving(true)}>
          Remove
        </Button>
      )}
      <Removal
        image={isRemoving ? image : undefined}
        onClose={() => setIsRemoving(false)}
        onRemoved={() =>
          void (workspace === undefined
            ? navigate({ to: '/workspaces' })
            : navigate({ to: '/workspaces/$workspace/settings/managed-images', params: { workspace } }))
        }
      />
    </>
  );
}

/** How the image stands: what is being built, or why the last build failed and what to do about that. */
function State({ image, job }: { readonly image: ImageDetails; readonly job: JobDetails | undefined }) {
  const { latestVersion } = image;
  const isBuilding = job !== undefined && job.finishedAt === null;
  return (
    <div className={classes['state']}>
      <div className={classes['line']}>
        {isBuilding && (
          <>
            <span>
              Version {latestVersion.number}
              {image.currentVersion !== null && `; version ${image.currentVersion} is in use until it is ready`}
            </span>
            <div className={classes['progress']}>
              <BuildProgress job={job} />
            </div>
          </>
        )}
        {!isBuilding && latestVersion.state === 'CANCELLED' && (
          <span>The build of version {latestVersion.number} was cancelled.</span>
        )}
        {!isBuilding && latestVersion.probe?.outcome === 'not-probed' && latestVersion.probe.note !== null && (
          <span>{withShortDigests(latestVersion.probe.note)}</span>
        )}
      </div>
      {!isBuilding && latestVersion.failure !== null && latestVersion.state === 'FAILED' && (
        <FaultMessage fault={faultOfFailure(latestVersion.failure)}>
          <Repair image={image} />
        </FaultMessage>
      )}
    </div>
  );
}

function Repair({ image }: { readonly image: ImageDetails }) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const again = useMutation({
    mutationFn: () => call('retryImage', { params: { name: image.name } }),
    onSuccess: () => navigate({ to: '/images/$name/build', params: { name: image.name } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['image', image.name] }),
  });
  return (
    <>
      <div className={classes['buttons']}>
        {image.rights.alter && (
          <>
            <LinkButton size="xs" variant="default" to="/images/$name/alter" params={{ name: image.name }}>
              Change what is asked for
            </LinkButton>
            <Button size="xs" variant="default" loading={again.isPending} onClick={() => again.mutate()}>
              Build it again
            </Button>
          </>
        )}
        <LinkButton size="xs" variant="default" to="/images/$name/build" params={{ name: image.name }}>
          See the log
        </LinkButton>
      </div>
      {again.isError && <FaultMessage fault={again.error} />}
    </>
  );
}
