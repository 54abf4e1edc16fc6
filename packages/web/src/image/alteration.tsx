import { Button, Loader, NativeSelect, TagsInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { versionQuery } from '../api/image-queries.ts';
import type { ImageDetails, VersionDetails } from '../api/types.ts';
import { PlanView } from '../creation/plan-view.tsx';
import { RequirementsField } from '../creation/requirements-field.tsx';
import { useCheck } from '../creation/use-check.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import classes from './alteration.module.css';
import { changeWords, PackageChanges } from './package-changes.tsx';
import { packageChanges } from './package-list.ts';
import { useShownVersion } from './shown-version.ts';
import { draftOf } from './spec-draft.ts';

/** Changing what is asked for: the new lock is compared with the one that stands before anything is built. */
export function Alteration() {
  const { image, number } = useShownVersion();
  // Of an image that could not be built, what failed is what somebody wants to change.
  const from = image.latestVersion.state === 'FAILED' ? image.latestVersion.number : number;
  const version = useQuery({ ...versionQuery(image.name, from), staleTime: Number.POSITIVE_INFINITY });
  return (
    <>
      <Heading
        order={2}
        title={`${image.name} · alter`}
        about="The name moves to the new version when that is ready. Until then, and when it fails, the image stays what it is."
      >
        Alter
      </Heading>
      {image.rights.alter ? (
        <Pane query={version} height={320}>
          {({ version: found }) => <Form key={found.number} image={image} version={found} />}
        </Pane>
      ) : (
        <p>
          Its creator, administrators of the workspace it was made from, and organization administrators can alter it.
        </p>
      )}
    </>
  );
}

function Form({ image, version }: { readonly image: ImageDetails; readonly version: VersionDetails }) {
  const [draft, setDraft] = useState(() => draftOf(image.name, version.spec));
  const change = (changed: Partial<typeof draft>) => setDraft((before) => ({ ...before, ...changed }));
  const check = useCheck(draft);
  const bases = useQuery({ queryKey: ['bases'], queryFn: ({ signal }) => call('listBases', { signal }) });
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const altering = useMutation({
    mutationFn: () =>
      call('alterImage', {
        params: { name: image.name },
        // What is taken out has to be said; what is left out stays.
        body: {
          requirements: check.spec.requirements,
          ...(draft.pythonVersion !== '' && { pythonVersion: draft.pythonVersion }),
          imageType: draft.imageType === '' ? 'default' : draft.imageType,
          osPackages: draft.osPackages,
          allowSdist: draft.allowSdist,
        },
      }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['image', image.name] });
      await navigate({ to: '/images/$name/build', params: { name: image.name } });
    },
  });
  const addOsPackages = (names: readonly string[]) =>
    change({ osPackages: [...new Set([...draft.osPackages, ...names])] });
  const pythons = bases.data?.bases.map(({ pythonVersion }) => pythonVersion) ?? [];
  return (
    <div className={classes['columns']}>
      <form
        className={classes['form']}
        onSubmit={(event) => {
          event.preventDefault();
          altering.mutate();
        }}
      >
        <RequirementsField
          text={draft.text}
          onChange={(text) => change({ text })}
          requested={check.requested}
          faults={check.lineFaults}
        />
        <NativeSelect
          label="Python"
          value={draft.pythonVersion}
          onChange={(event) => change({ pythonVersion: event.currentTarget.value })}
          data={[
            ...(draft.pythonVersion === ''
              ? [{ value: '', label: `As it is: ${image.pythonVersion ?? 'the standard one'}` }]
              : []),
            ...[...new Set([...pythons, ...(draft.pythonVersion === '' ? [] : [draft.pythonVersion])])].sort(),
          ]}
          disabled={draft.base !== undefined}
          description={draft.base === undefined ? undefined : `That of its base, ${draft.base}`}
        />
        <TagsInput
          label="OS packages"
          description="Debian packages, such as libgomp1; Enter after each"
          value={[...draft.osPackages]}
          onChange={(osPackages) => change({ osPackages })}
          splitChars={[',', ' ']}
          acceptValueOnBlur
        />
        {altering.isError && <FaultMessage fault={altering.error} />}
        <div>
          <Button type="submit" loading={altering.isPending} disabled={check.plan === undefined || check.isPlanning}>
            Build version {image.latestVersion.number + 1}
          </Button>
        </div>
      </form>
      <section className={classes['change']} aria-label="What would change" aria-busy={check.isPlanning}>
        <h3>What would change {check.isPlanning && <Loader size="xs" aria-label="The plan is being made" />}</h3>
        {check.fault !== undefined && <FaultMessage fault={check.fault} />}
        {check.plan === undefined && check.fault === undefined && check.lineFaults.length === 0 && (
          <p role="status">Versions are being chosen; that takes a few seconds.</p>
        )}
        {check.plan !== undefined && (
          <>
            <LockChange name={image.name} number={image.currentVersion ?? version.number} plan={check.plan} />
            <details>
              <summary>The whole plan</summary>
              <PlanView plan={check.plan} onAddOsPackages={addOsPackages} />
            </details>
            {check.plan.platforms
              .flatMap(({ problems }) => problems)
              .map(({ message, fix, osPackages = [] }) => (
                <FaultMessage key={message} fault={new Error(message)}>
                  {osPackages.length === 0 ? (
                    fix
                  ) : (
                    <Button size="compact-sm" variant="default" onClick={() => addOsPackages(osPackages)}>
                      Add {osPackages.join(', ')}
                    </Button>
                  )}
                </FaultMessage>
              ))}
          </>
        )}
      </section>
    </div>
  );
}

function LockChange({
  name,
  number,
  plan,
}: {
  readonly name: string;
  readonly number: number;
  readonly plan: NonNullable<ReturnType<typeof useCheck>['plan']>;
}) {
  const standing = useQuery(versionQuery(name, number));
  const [platform] = plan.platforms;
  if (platform === undefined) return null;
  return (
    <Pane query={standing}>
      {({ version }) => {
        const ofKind = (wanted: 'wheel' | 'os-package') => platform.packages.filter(({ kind }) => kind === wanted);
        const changes = packageChanges(version.libraries, ofKind('wheel'));
        const osChanges = packageChanges(version.osPackages, ofKind('os-package'));
        return (
          <>
            <p>
              {changes.length === 0 && osChanges.length > 0
                ? `Only OS packages change, compared with version ${number}.`
                : `${changeWords(changes)}, compared with version ${number}.`}
            </p>
            {(changes.length > 0 || osChanges.length === 0) && (
              <PackageChanges changes={changes} label="What would change in the lock" />
            )}
            {osChanges.length > 0 && (
              <>
                <p>OS packages: {changeWords(osChanges)}.</p>
                <PackageChanges changes={osChanges} label="What would change among the OS packages" />
              </>
            )}
          </>
        );
      }}
    </Pane>
  );
}
