import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { call } from '../api/call.ts';
import { faultOf, isApiFault } from '../api/fault.ts';
import { type Draft, specOf } from './draft.ts';
import { type LineFault, type Requested, readRequested } from './requirements-text.ts';

/** After the last key, what costs the instance little is asked. */
const pauseMilliseconds = 300;
/** A plan costs it seconds: it is asked when somebody seems to have ended. */
const planPauseMilliseconds = 900;
const planFreshMilliseconds = 60_000;

const nothing: Requested = { kind: 'requirements', lines: [], faults: [], notes: [] };

/** What is known of a draft while it is typed: what is wrong at which line, images that fit it already, and what a build would do. */
export function useCheck(draft: Draft) {
  const requested = useRequested(draft.text);
  const spec = useMemo(() => specOf(draft, requested.lines), [draft, requested]);
  const key = JSON.stringify(spec);
  const isAsking = requested.lines.length > 0 || draft.imageType !== '';
  const [pausedKey] = useDebouncedValue(key, pauseMilliseconds);
  const matches = useQuery({
    queryKey: ['matches', pausedKey],
    queryFn: ({ signal }) =>
      call('matchImages', { body: { ...(JSON.parse(pausedKey) as typeof spec), limit: 8 }, signal }),
    enabled: isAsking,
    retry: false,
    placeholderData: keepPreviousData,
  });
  const [planKey] = useDebouncedValue(key, planPauseMilliseconds);
  const plan = useQuery({
    queryKey: ['plan', planKey],
    queryFn: ({ signal }) => call('planImage', { body: JSON.parse(planKey) as typeof spec, signal }),
    enabled: isAsking && requested.faults.length === 0 && planKey === key && !matches.isError,
    staleTime: planFreshMilliseconds,
    retry: false,
    // The plan before is shown, paler, until the next one is there.
    placeholderData: keepPreviousData,
  });
  const fault = matches.error ?? plan.error;
  return {
    requested,
    spec,
    /** Whether there is anything to build. */
    isAsking,
    lineFaults: [...requested.faults, ...(isAsking ? faultsAtLines(requested, fault) : [])].sort(
      (a, b) => a.line - b.line,
    ),
    /** What is wrong and lies in no line. */
    fault: fault !== null && faultsAtLines(requested, fault).length === 0 ? fault : undefined,
    matches: isAsking ? (matches.data?.matches ?? []) : [],
    plan: isAsking ? plan.data?.plan : undefined,
    isPlanning: isAsking && (plan.isFetching || planKey !== key),
    planAgain: () => {
      void matches.refetch();
      void plan.refetch();
    },
  };
}

function useRequested(text: string): Requested {
  const [read, setRead] = useState<{ readonly text: string; readonly requested: Requested }>();
  useEffect(() => {
    let isCurrent = true;
    void readRequested(text).then((requested) => {
      if (isCurrent) setRead({ text, requested });
    });
    return () => {
      isCurrent = false;
    };
  }, [text]);
  return read?.requested ?? nothing;
}

/** The instance speaks of `requirements[3]`; people see lines. */
function faultsAtLines({ lines }: Requested, thrown: unknown): readonly LineFault[] {
  if (!isApiFault(thrown)) return [];
  return faultOf(thrown).fields.flatMap(({ field, message }) => {
    const at = /^(?:requirements|pipRequirements)\[(\d+)\]/.exec(field)?.[1];
    const line = at === undefined ? undefined : lines[Number(at)]?.line;
    return line === undefined ? [] : [{ line, message }];
  });
}
