import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { call } from '../api/call.ts';
import { faultOf, isApiFault, newerApplication } from '../api/fault.ts';
import { basesQuery } from '../api/queries.ts';
import { reloadForNewer } from '../shell/application-part.ts';
import { type Draft, specOf } from './draft.ts';
import { type LineFault, type Requested, readAtOnce, readRequested } from './requirements-text.ts';
import { choosePython } from './wanted-python.ts';

/** After the last key, what costs the instance little is asked. */
const pauseMilliseconds = 300;
/** A plan costs it seconds: it is asked when somebody seems to have ended. */
const planPauseMilliseconds = 900;
const planFreshMilliseconds = 60_000;

const nothing: Requested = { kind: 'requirements', lines: [], faults: [], notes: [] };

/** What is known of a draft while it is typed: what is wrong at which line, images that fit it already, and what a build would do. */
export function useCheck(draft: Draft) {
  const { requested: read, fault: unread, isRead, readAgain } = useRequested(draft.text);
  const { data: known } = useQuery(basesQuery);
  const python = choosePython({
    wanted: read.python,
    chosen: draft.pythonVersion,
    pythons: known?.bases.map(({ pythonVersion }) => pythonVersion) ?? [],
    standard: known?.bases.find(({ isDefault }) => isDefault)?.pythonVersion,
    base: draft.base,
  });
  const requested = python.note === undefined ? read : { ...read, notes: [python.note, ...read.notes] };
  const spec = useMemo(
    () => specOf({ ...draft, pythonVersion: python.version ?? '' }, read.lines),
    [draft, read, python.version],
  );
  const key = JSON.stringify(spec);
  const isAsking = requested.lines.length > 0 || draft.imageType !== '';
  const [pausedKey] = useDebouncedValue(key, pauseMilliseconds);
  const matches = useQuery({
    queryKey: ['matches', pausedKey],
    queryFn: ({ signal }) =>
      call('matchImages', { body: { ...(JSON.parse(pausedKey) as typeof spec), limit: 8 }, signal }),
    enabled: isRead && isAsking,
    retry: false,
    placeholderData: keepPreviousData,
  });
  const [planKey] = useDebouncedValue(key, planPauseMilliseconds);
  const plan = useQuery({
    queryKey: ['plan', planKey],
    queryFn: ({ signal }) => call('planImage', { body: JSON.parse(planKey) as typeof spec, signal }),
    enabled: isRead && isAsking && requested.faults.length === 0 && planKey === key && !matches.isError,
    staleTime: planFreshMilliseconds,
    retry: false,
    // The plan before is shown, paler, until the next one is there.
    placeholderData: keepPreviousData,
  });
  const fault = unread ?? matches.error ?? plan.error;
  return {
    requested,
    /** The Python that it gets. */
    python,
    spec,
    /** Whether all of it is about what is in the draft now. Else nothing may be made of it: something would be left out. */
    isRead,
    /** Whether there is anything to build. */
    isAsking,
    lineFaults: [...requested.faults, ...(isAsking ? faultsAtLines(requested, fault) : [])].sort(
      (a, b) => a.line - b.line,
    ),
    /** What is wrong and lies in no line. */
    fault: fault != null && faultsAtLines(requested, fault).length === 0 ? fault : undefined,
    matches: unread === null && isAsking ? (matches.data?.matches ?? []) : [],
    plan: unread === null && isAsking ? plan.data?.plan : undefined,
    isPlanning: unread === null && (!isRead || (isAsking && (plan.isFetching || planKey !== key))),
    planAgain: () => {
      if (unread !== null) return readAgain();
      void matches.refetch();
      void plan.refetch();
    },
  };
}

/** What a text asks for, and why it could not be read: what reads it may have to be loaded. */
function useRequested(text: string) {
  const atOnce = useMemo(() => readAtOnce(text), [text]);
  const reading = useQuery({
    queryKey: ['requested', text],
    queryFn: () => readRequested(text),
    enabled: atOnce === undefined,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
    // What was read before is shown until the next text is read; nothing is made of it.
    placeholderData: keepPreviousData,
  });
  const fault = atOnce === undefined ? reading.error : null;
  const isOutdated = isApiFault(fault, newerApplication);
  useEffect(() => {
    if (isOutdated) reloadForNewer();
  }, [isOutdated]);
  return {
    requested: atOnce ?? reading.data ?? nothing,
    fault,
    /** Whether it is this text that was read. */
    isRead: atOnce !== undefined || (reading.isSuccess && !reading.isPlaceholderData),
    readAgain: () => void reading.refetch(),
  };
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
