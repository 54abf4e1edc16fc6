import { Button, Modal } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { faultOfFailure } from '../api/fault.ts';
import { differenceQuery, versionsQuery } from '../api/image-queries.ts';
import type { ImageDetails, VersionSummary } from '../api/types.ts';
import { counted, formatSize } from '../format/size.ts';
import { StatusChip } from '../images/status-chip.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { LinkButton } from '../parts/link-button.tsx';
import { Pane } from '../parts/pane.tsx';
import { Time } from '../parts/time.tsx';
import { changeWords, PackageChanges } from './package-changes.tsx';
import { reasonWords } from './reason-words.ts';
import { useShownVersion } from './shown-version.ts';
import classes from './versions.module.css';

/** Every version of an image as a time line: why it exists, what is different in it, and the way back to it. */
export function Versions() {
  const { image } = useShownVersion();
  const versions = useQuery(versionsQuery(image.name));
  const [target, setTarget] = useState<number>();
  return (
    <>
      <Heading
        order={2}
        title={`${image.name} · versions`}
        about="Versions never change; the name stands for one of them."
      >
        Versions
      </Heading>
      <Pane query={versions} height={320}>
        {({ versions: found }) => {
          const newestFirst = found.toSorted((a, b) => b.number - a.number);
          return (
            <ol className={classes['line']}>
              {newestFirst.map((version) => (
                <Entry
                  key={version.number}
                  image={image}
                  version={version}
                  before={newestFirst.find((one) => one.number < version.number && one.digest !== null)?.number}
                  onRollBack={setTarget}
                />
              ))}
            </ol>
          );
        }}
      </Pane>
      <RollBackDialog image={image} target={target} onClose={() => setTarget(undefined)} />
    </>
  );
}

type EntryProps = {
  readonly image: ImageDetails;
  readonly version: VersionSummary;
  /** The version that it is compared with. */
  readonly before: number | undefined;
  readonly onRollBack: (number: number) => void;
};

function Entry({ image, version, before, onRollBack }: EntryProps) {
  const [isCompared, setIsCompared] = useState(false);
  const facts = [
    version.packages === null ? undefined : counted(version.packages, 'package'),
    version.sizeBytes === null ? undefined : formatSize(version.sizeBytes),
    version.createdBy === null ? undefined : `by ${version.createdBy}`,
  ].filter((fact) => fact !== undefined);
  return (
    <li className={classes['entry']} data-current={version.isCurrent}>
      <div className={classes['head']}>
        <h3>Version {version.number}</h3>
        <StatusChip status={version.state} />
        {version.isCurrent && <strong className={classes['current']}>In use</strong>}
        <Time at={version.createdAt} />
      </div>
      <ul className={classes['reasons']}>
        {version.reasons.map((reason) => (
          <li key={JSON.stringify(reason)}>{reasonWords(reason)}</li>
        ))}
      </ul>
      {facts.length > 0 && <p className={classes['facts']}>{facts.join(' · ')}</p>}
      {version.failure !== null && <FaultMessage fault={faultOfFailure(version.failure)} />}
      <div className={classes['actions']}>
        {version.digest !== null && before !== undefined && (
          <Button
            size="compact-sm"
            variant="default"
            aria-expanded={isCompared}
            onClick={() => setIsCompared(!isCompared)}
          >
            Compare with version {before}
          </Button>
        )}
        <LinkButton
          size="compact-sm"
          variant="default"
          to="/images/$name"
          params={{ name: image.name }}
          search={{ version: version.number }}
          aria-label={`Packages of version ${version.number}`}
        >
          Packages
        </LinkButton>
        <LinkButton
          size="compact-sm"
          variant="default"
          to="/images/$name/build"
          params={{ name: image.name }}
          search={{ version: version.number }}
          aria-label={`Log of version ${version.number}`}
        >
          Log
        </LinkButton>
        {image.rights.alter && version.state === 'READY' && !version.isCurrent && (
          <Button size="compact-sm" variant="default" onClick={() => onRollBack(version.number)}>
            Roll back to version {version.number}
          </Button>
        )}
      </div>
      {isCompared && before !== undefined && <Difference name={image.name} from={before} to={version.number} />}
    </li>
  );
}

function Difference({ name, from, to }: { readonly name: string; readonly from: number; readonly to: number }) {
  const difference = useQuery(differenceQuery(name, from, to));
  return (
    <div className={classes['difference']}>
      <Pane query={difference}>
        {({ diff }) => {
          const changes = [...diff.packages, ...diff.osPackages].map((one) => ({
            ...one,
            note: one.change === 'other-file' ? 'the same version from another file' : undefined,
          }));
          const bytes = [...diff.packages, ...diff.osPackages].reduce(
            (sum, one) => sum + one.bytesAfter - one.bytesBefore,
            0,
          );
          return (
            <>
              <p>
                {changeWords(changes, bytes)}. {counted(diff.layers.shared.count, 'layer')} (
                {formatSize(diff.layers.shared.sizeBytes)}) shared; {counted(diff.layers.to.count, 'layer')} (
                {formatSize(diff.layers.to.sizeBytes)}) new.
              </p>
              <PackageChanges changes={changes} label={`From version ${from} to version ${to}`} />
            </>
          );
        }}
      </Pane>
    </div>
  );
}

function RollBackDialog({
  image,
  target,
  onClose,
}: {
  readonly image: ImageDetails;
  readonly target: number | undefined;
  readonly onClose: () => void;
}) {
  const queryClient = useQueryClient();
  const rollBack = useMutation({
    mutationFn: (version: number) => call('rollBackImage', { params: { name: image.name }, body: { version } }),
    onSuccess: onClose,
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['image', image.name] }),
  });
  return (
    <Modal
      opened={target !== undefined}
      onClose={onClose}
      title={`Roll ${image.name} back to version ${target}?`}
      size="lg"
    >
      {target !== undefined && (
        <>
          <p className={classes['about']}>
            The name stands for version {target} at once; nothing is built, and version {image.version} stays to come
            back to. What would be different:
          </p>
          <Difference name={image.name} from={image.version} to={target} />
          {rollBack.isError && <FaultMessage fault={rollBack.error} />}
          <div className={classes['buttons']}>
            <Button variant="default" onClick={onClose} data-autofocus>
              Cancel
            </Button>
            <Button loading={rollBack.isPending} onClick={() => rollBack.mutate(target)}>
              Roll back
            </Button>
          </div>
        </>
      )}
    </Modal>
  );
}
