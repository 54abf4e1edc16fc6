import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { call } from '../api/call.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import type { ImageFilter } from './image-filter.ts';
import { firstOrder } from './image-order.ts';
import { searchOf } from './image-pages.ts';
import classes from './list-place.module.css';

/** A list that is hardly longer than the screen needs no words about where one is in it. */
const longList = 30;

type ListPlaceProps = {
  readonly filter: ImageFilter;
  /** The first and the last row that are seen, counted from one. */
  readonly range: readonly [number, number];
  readonly total: number;
  /** How many of them the table can hold. */
  readonly shown: number;
  readonly onGo: (index: number) => void;
};

/** Where in a long list somebody is, and a way to anywhere else in it. */
export function ListPlace({ filter, range: [first, last], total, shown, onGo }: ListPlaceProps) {
  if (total <= longList) return null;
  return (
    <div className={classes['bar']}>
      <p className={classes['place']}>
        <span className="number">
          {grouped(first)}–{grouped(last)}
        </span>{' '}
        of <span className="number">{grouped(total)}</span>
        {shown < total && `. The first ${grouped(shown)} can be scrolled to; narrow the list to see the others.`}
      </p>
      {/* A day is no name: another kind of place begins empty. */}
      <GoTo key={filter.sort ?? firstOrder} filter={filter} onGo={(index) => onGo(Math.min(index, shown - 1))} />
    </div>
  );
}

function GoTo({ filter, onGo }: { readonly filter: ImageFilter; readonly onGo: (index: number) => void }) {
  const [typed, setTyped] = useState('');
  const id = useId();
  const sort = filter.sort ?? firstOrder;
  const isByTime = /^-?(?:createdAt|updatedAt)$/.test(sort);
  const going = useMutation({
    mutationFn: () =>
      call('countImages', {
        query: {
          ...searchOf(filter),
          place: isByTime ? edgeOf(typed, sort.startsWith('-')) : typed.trim().toLowerCase(),
        },
      }),
    onSuccess: ({ before, total }) => onGo(Math.max(0, Math.min(before ?? 0, total - 1))),
  });
  if (!isByTime && !/^-?name$/.test(sort)) return null;
  const label = !isByTime ? 'Go to name' : sort.endsWith('createdAt') ? 'Go to day created' : 'Go to day changed';
  return (
    <form
      className={classes['go']}
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() !== '') going.mutate();
      }}
    >
      <label htmlFor={id}>{label}</label>
      <TextInput
        id={id}
        size="xs"
        type={isByTime ? 'date' : 'text'}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
      />
      <Button type="submit" size="xs" variant="default" loading={going.isPending}>
        Go
      </Button>
      {going.isError && <FaultMessage fault={going.error} />}
    </form>
  );
}

/** The edge of a day, where whoever looks lives, that comes first in the list. */
function edgeOf(day: string, isDescending: boolean): string {
  const edge = new Date(`${day}T00:00:00`);
  if (isDescending) edge.setDate(edge.getDate() + 1);
  return edge.toISOString();
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
