import { Button, Loader, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { call } from '../api/call.ts';
import { faultOf } from '../api/fault.ts';
import { basesQuery } from '../api/queries.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { CheckFault } from './check-fault.tsx';
import classes from './creation.module.css';
import { useDraft } from './draft.ts';
import { Matches } from './matches.tsx';
import { PackageSearch } from './package-search.tsx';
import { PlanProblems } from './plan-problems.tsx';
import { PlanView } from './plan-view.tsx';
import { RequirementsField } from './requirements-field.tsx';
import { SpecFields } from './spec-fields.tsx';
import { useCheck } from './use-check.ts';

const namePattern = /^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$/;

/** Creating an image: what it shall hold on one side, what that would be on the other. */
export function Creation() {
  const { draft, change, clear } = useDraft();
  const check = useCheck(draft);
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [isTried, setIsTried] = useState(false);
  const bases = useQuery(basesQuery);
  const creating = useMutation({
    mutationFn: () => call('createImage', { body: { name: draft.name, ...check.spec } }),
    onSuccess: async () => {
      const { name } = draft;
      clear();
      await queryClient.invalidateQueries({ queryKey: ['images'] });
      await navigate({ to: '/images/$name/build', params: { name } });
    },
  });
  const nameFault = faultOfName(draft.name, isTried);
  const fields = creating.isError ? faultOf(creating.error).fields : [];
  const add = (line: string) =>
    change({ text: `${draft.text.replace(/\n*$/, '')}${draft.text === '' ? '' : '\n'}${line}\n` });
  const isWrong = check.lineFaults.length > 0;
  const standard = bases.data?.bases.find(({ isDefault }) => isDefault)?.pythonVersion;
  return (
    <>
      <Heading title="Create an image" about="Say what it shall hold. Nothing is built before you create it.">
        Create an image
      </Heading>
      <div className={classes['columns']}>
        <form
          className={classes['form']}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            setIsTried(true);
            if (!check.isRead || isWrong || faultOfName(draft.name, true) !== undefined || !check.isAsking) return;
            creating.mutate();
          }}
        >
          <TextInput
            label="Name"
            description="The whole instance knows it by this name"
            placeholder="fraud-detection"
            value={draft.name}
            onChange={(event) => change({ name: event.currentTarget.value })}
            error={nameFault ?? fields.find(({ field }) => field === 'name')?.message}
            autoCapitalize="none"
            spellCheck={false}
            maxLength={128}
          />
          <RequirementsField
            text={draft.text}
            onChange={(text) => change({ text })}
            requested={check.requested}
            faults={check.lineFaults}
          />
          {check.requested.kind === 'requirements' && <PackageSearch onPick={add} />}
          <SpecFields
            draft={draft}
            onChange={change}
            python={check.python}
            unchosenPython={standard === undefined ? 'The standard one' : `${standard}, the standard one`}
          />
          {creating.isError && fields.length === 0 && <FaultMessage fault={creating.error} />}
          {isTried && check.isRead && !check.isAsking && !isWrong && (
            <p role="alert">Name a package, or choose an image type.</p>
          )}
          <div className={classes['actions']}>
            <Button
              type="submit"
              loading={creating.isPending}
              disabled={!check.isRead}
              variant={check.fault === undefined ? 'filled' : 'default'}
            >
              {check.fault === undefined || !check.isRead ? 'Create image' : 'Create it anyway'}
            </Button>
            <Button variant="subtle" color="gray" onClick={clear} disabled={draft.text === '' && draft.name === ''}>
              Begin anew
            </Button>
          </div>
        </form>
        <section className={classes['plan']} aria-label="What would be built" aria-busy={check.isPlanning}>
          <Matches matches={check.matches} />
          <PlanPanel
            check={check}
            onAddOsPackages={(names) => change({ osPackages: [...new Set([...draft.osPackages, ...names])] })}
          />
        </section>
      </div>
    </>
  );
}

function PlanPanel({
  check,
  onAddOsPackages,
}: {
  readonly check: ReturnType<typeof useCheck>;
  readonly onAddOsPackages: (names: readonly string[]) => void;
}) {
  const title = useRef<HTMLHeadingElement>(null);
  if (!check.isAsking && check.lineFaults.length === 0 && check.fault === undefined) {
    return (
      <p className={classes['quiet']}>The plan appears here: exact versions, their sizes, and what would not work.</p>
    );
  }
  if (check.lineFaults.length > 0)
    return <p className={classes['quiet']}>The plan is made when every line can be read.</p>;
  return (
    <>
      <h2 ref={title} tabIndex={-1} className={classes['title']}>
        The plan {check.isPlanning && <Loader size="xs" aria-hidden />}
      </h2>
      <CheckFault check={check} />
      {check.plan !== undefined && (
        <div className={classes['made']} data-old={check.isPlanning || check.fault !== undefined}>
          <PlanProblems
            plan={check.plan}
            onAddOsPackages={(names) => {
              onAddOsPackages(names);
              // The button goes with the problem.
              title.current?.focus();
            }}
          />
          <PlanView plan={check.plan} />
        </div>
      )}
      {check.plan === undefined && check.fault === undefined && (
        <p className={classes['quiet']} role="status">
          Versions are being chosen; that takes a few seconds.
        </p>
      )}
    </>
  );
}

function faultOfName(name: string, isTried: boolean): string | undefined {
  if (name === '') return isTried ? 'It needs a name' : undefined;
  if (namePattern.test(name)) return undefined;
  return 'Lower-case letters and digits, words joined by single - or _, a letter first';
}
