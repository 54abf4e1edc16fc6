import { Button, Loader } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef } from 'react';
import { call } from '../api/call.ts';
import { versionQuery } from '../api/image-queries.ts';
import type { ImageDetails, VersionDetails } from '../api/types.ts';
import { CheckFault } from '../creation/check-fault.tsx';
import { PlanProblems } from '../creation/plan-problems.tsx';
import { PlanView } from '../creation/plan-view.tsx';
import { RequirementsField } from '../creation/requirements-field.tsx';
import { SpecFields } from '../creation/spec-fields.tsx';
import { useCheck } from '../creation/use-check.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import classes from './alteration.module.css';
import { useAlterationDraft } from './alteration-draft.ts';
import { LockChange } from './lock-change.tsx';
import { useShownVersion } from './shown-version.ts';

/** Changing what is asked for: the new lock is compared with the one that stands before anything is built. */
export function Alteration() {
  const { image, number } = useShownVersion();
  const { latestVersion } = image;
  // Of what could not be built, or is being built, somebody wants to change that.
  const from = latestVersion.state === 'READY' ? number : latestVersion.number;
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
          {({ version: found }) => <Form key={`${image.name} ${found.number}`} image={image} version={found} />}
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
  const { draft, isChanged, change, begin, begunOn } = useAlterationDraft(image.name, version);
  const check = useCheck(draft);
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const { number } = image.latestVersion;
  // Nothing is changed: what may be newer is what it resolves to. The instance does that with what was built last.
  const isAgain = !isChanged && version.number === number;
  const altering = useMutation({
    mutationFn: () => {
      if (isAgain) return call('retryImage', { params: { name: image.name } });
      return call('alterImage', {
        params: { name: image.name },
        // What is left out stays as it stands, which may be another version than the one that is shown: all of it is said.
        body: {
          ...check.spec,
          imageType: draft.imageType === '' ? 'default' : draft.imageType,
          osPackages: draft.osPackages,
          platforms: draft.platforms,
          allowSdist: draft.allowSdist,
          bytecode: version.spec.bytecode,
          skipImports: version.spec.skipImports,
          smokeCommand: version.spec.smokeCommand,
        },
      });
    },
    onSuccess: async () => {
      begin();
      await queryClient.invalidateQueries({ queryKey: ['image', image.name] });
      await navigate({ to: '/images/$name/build', params: { name: image.name } });
    },
  });
  const title = useRef<HTMLHeadingElement>(null);
  const addOsPackages = (names: readonly string[]) => {
    change({ osPackages: [...new Set([...draft.osPackages, ...names])] });
    // The button goes with the problem.
    title.current?.focus();
  };
  return (
    <div className={classes['columns']}>
      <form
        className={classes['form']}
        onSubmit={(event) => {
          event.preventDefault();
          if (check.isRead) altering.mutate();
        }}
      >
        {begunOn !== undefined && (
          <p className={classes['kept']}>
            Your changes from before are kept{begunOn !== version.number && `; they were begun on version ${begunOn}`}.{' '}
            <Button size="compact-xs" variant="subtle" onClick={begin}>
              Begin anew
            </Button>
          </p>
        )}
        <RequirementsField
          text={draft.text}
          onChange={(text) => change({ text })}
          requested={check.requested}
          faults={check.lineFaults}
        />
        <SpecFields
          draft={draft}
          onChange={change}
          python={check.python}
          unchosenPython={`As it is: ${image.pythonVersion ?? 'the standard one'}`}
          unchosenPlatforms={version.spec.hasOwnPlatforms ? [] : version.spec.platforms}
        />
        {altering.isError && <FaultMessage fault={altering.error} />}
        <div className={classes['submit']}>
          <Button
            type="submit"
            loading={altering.isPending}
            variant={isChanged ? 'filled' : 'default'}
            disabled={check.plan === undefined || check.isPlanning || !(isChanged || isAgain)}
          >
            {isAgain ? 'Build it again as' : 'Build'} version {number + 1}
          </Button>
          {!isChanged && (
            <p>{isAgain ? 'Nothing is changed: versions are resolved anew.' : 'Nothing is changed so far.'}</p>
          )}
        </div>
      </form>
      <section className={classes['change']} aria-label="What would change" aria-busy={check.isPlanning}>
        <h3 ref={title} tabIndex={-1}>
          What would change {check.isPlanning && <Loader size="xs" aria-hidden />}
        </h3>
        <CheckFault check={check} />
        {check.plan === undefined && check.fault === undefined && check.lineFaults.length === 0 && (
          <p role="status">Versions are being chosen; that takes a few seconds.</p>
        )}
        {check.plan !== undefined && (
          <>
            <PlanProblems plan={check.plan} onAddOsPackages={addOsPackages} />
            <LockChange name={image.name} number={image.currentVersion ?? version.number} plan={check.plan} />
            <details>
              <summary>The whole plan</summary>
              <PlanView plan={check.plan} />
            </details>
          </>
        )}
      </section>
    </div>
  );
}
