import { Button, Loader, NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { basesQuery } from '../api/queries.ts';
import { counted } from '../format/size.ts';
import { Icon } from '../icons/icon.tsx';
import { statusWord } from '../images/status-chip.tsx';
import { CreatorField } from './creator-field.tsx';
import classes from './filter-bar.module.css';
import { type ImageFilter, imageFilterOf, imageTypes, isFiltered, statuses } from './image-filter.ts';
import { firstOrder, orderNames } from './image-order.ts';

/** Whoever types pauses so long before the instance is asked. */
const pauseMilliseconds = 250;

type FilterBarProps = {
  readonly filter: ImageFilter;
  readonly onChange: (filter: ImageFilter, isTyping?: boolean) => void;
  readonly total: number | undefined;
  /** Else there may be more than the total says. */
  readonly isCounted: boolean;
  readonly isLoading: boolean;
};

/** What the list is narrowed by, all of it in the address. */
export function FilterBar({ filter, onChange, total, isCounted, isLoading }: FilterBarProps) {
  const { data: bases } = useQuery({ ...basesQuery, staleTime: 600_000 });
  const change = (part: Readonly<Record<string, string>>) => onChange(imageFilterOf({ ...filter, ...part }));
  return (
    <search className={classes['bar']} aria-label="Managed images">
      <SearchField text={filter.q ?? ''} onChange={(q) => onChange(imageFilterOf({ ...filter, q }), true)} />
      <NativeSelect
        aria-label="Status"
        value={filter.status ?? ''}
        onChange={(event) => change({ status: event.currentTarget.value })}
        data={[{ value: '', label: 'Any status' }, ...statuses.map((one) => ({ value: one, label: statusWord(one) }))]}
      />
      <NativeSelect
        aria-label="Type"
        value={filter.type ?? ''}
        onChange={(event) => change({ type: event.currentTarget.value })}
        data={[{ value: '', label: 'Any type' }, ...imageTypes.map((one) => ({ value: one, label: one }))]}
      />
      <NativeSelect
        aria-label="Python"
        value={filter.python ?? ''}
        onChange={(event) => change({ python: event.currentTarget.value })}
        data={[
          { value: '', label: 'Any Python' },
          ...pythonsOf(bases?.bases, filter.python).map((one) => ({ value: one, label: `Python ${one}` })),
        ]}
      />
      <CreatorField filter={filter} onChange={change} />
      <NativeSelect
        aria-label="Order"
        value={filter.sort ?? firstOrder}
        onChange={(event) => change({ sort: event.currentTarget.value })}
        data={[...orderNames]}
      />
      <p className={classes['count']} role="status">
        {isLoading ? (
          <Loader size={14} aria-label="Loading" />
        ) : (
          total !== undefined && `${counted(total, 'image')}${isCounted ? '' : ' or more'}`
        )}
      </p>
      {isFiltered(filter) && (
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          onClick={() => onChange(filter.sort === undefined ? {} : { sort: filter.sort })}
        >
          Clear
        </Button>
      )}
    </search>
  );
}

function pythonsOf(
  bases: readonly { readonly pythonVersion: string }[] | undefined,
  chosen: string | undefined,
): readonly string[] {
  const known = bases?.map(({ pythonVersion }) => pythonVersion) ?? [];
  return chosen === undefined || known.includes(chosen) ? known : [...known, chosen];
}

function SearchField({ text, onChange }: { readonly text: string; readonly onChange: (text: string) => void }) {
  const [typed, setTyped] = useState(text);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // The address changes by itself, too: back, forward, clear.
  useEffect(() => {
    if (timer.current === undefined) setTyped(text);
  }, [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const ask = (next: string) => {
    clearTimeout(timer.current);
    timer.current = undefined;
    onChange(next.trim());
  };
  return (
    <TextInput
      className={classes['search'] ?? ''}
      type="search"
      aria-label="Search images"
      placeholder="Name, pandas>=2, python 3.11"
      leftSection={<Icon name="search" />}
      value={typed}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setTyped(next);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => ask(next), pauseMilliseconds);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') ask(typed);
      }}
    />
  );
}
