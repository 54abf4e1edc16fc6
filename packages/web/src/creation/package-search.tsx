import { Autocomplete } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { counted } from '../format/size.ts';

const pauseMilliseconds = 150;

/** Finds a package by the beginning of its name, those in use on the instance first, and adds it. */
export function PackageSearch({ onPick }: { readonly onPick: (name: string) => void }) {
  const [typed, setTyped] = useState('');
  const [prefix] = useDebouncedValue(typed.trim(), pauseMilliseconds);
  const found = useQuery({
    queryKey: ['package-names', prefix],
    queryFn: ({ signal }) => call('completePackageName', { query: { prefix }, signal }),
    enabled: prefix !== '',
    placeholderData: (before) => before,
  });
  const packages = prefix === '' ? [] : (found.data?.packages ?? []);
  const pick = (name: string) => {
    if (name.trim() === '') return;
    onPick(name.trim());
    // The field takes over what was chosen after it has told of it.
    queueMicrotask(() => setTyped(''));
  };
  return (
    <Autocomplete
      label="Add a package"
      placeholder="Begin to type a name"
      value={typed}
      onChange={setTyped}
      data={packages.map(({ name }) => name)}
      filter={({ options }) => options}
      renderOption={({ option }) => {
        const one = packages.find(({ name }) => name === option.value);
        return (
          <span>
            {option.value}{' '}
            {one !== undefined && one.images > 0 && (
              <span style={{ color: 'var(--mantine-color-dimmed)' }}>
                in {counted(one.images, 'image')}
                {one.versions[0] === undefined ? '' : `, ${one.versions[0]}`}
              </span>
            )}
          </span>
        );
      }}
      onOptionSubmit={pick}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || event.defaultPrevented) return;
        event.preventDefault();
        pick(typed);
      }}
    />
  );
}
