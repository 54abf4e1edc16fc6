import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { meQuery } from '../api/queries.ts';
import { counted } from '../format/size.ts';
import { type CreatorChoiceProps, widthOfChoice } from './creator-filter.ts';

const pauseMilliseconds = 150;
const shownCreators = 50;
/** No account has such a name. */
const instance = ' system';

/** Is shown when somebody goes to it. Narrows the list to who created the images: anybody who has, found by a part of the name; or the instance itself. */
export function CreatorChoice({ filter, onChange }: CreatorChoiceProps) {
  const { data: me } = useSuspenseQuery(meQuery);
  const [isOpen, setIsOpen] = useState(true);
  const [typed, setTyped] = useState('');
  const value = filter.creator ?? (filter.role === 'SYSTEM' ? instance : null);
  const label = (name: string) => (name === instance ? 'The instance' : name === me.user.name ? `${name} (you)` : name);
  // What stands in the field before anybody types is what is chosen, and not looked for.
  const [text] = useDebouncedValue(
    value !== null && typed === label(value) ? '' : typed.trim().toLowerCase(),
    pauseMilliseconds,
  );
  const found = useQuery({
    queryKey: ['image-creators', text],
    queryFn: ({ signal }) =>
      call('listImageCreators', { query: { limit: shownCreators, ...(text !== '' && { q: text }) }, signal }),
    enabled: isOpen,
    placeholderData: (before) => before,
  });
  const creators = found.data?.creators ?? [];
  const names = creators.map(({ name }) => name);
  const first = [me.user.name, instance, ...(value === null ? [] : [value])].filter(
    (name) => text === '' || label(name).toLowerCase().includes(text),
  );
  const others = [...new Set([...first, ...names])];
  const offered = value === null || others.includes(value) ? others : [value, ...others];
  return (
    <Select
      aria-label="Creator"
      placeholder="Any creator"
      w={widthOfChoice}
      autoFocus
      defaultDropdownOpened
      searchable
      clearable
      clearButtonProps={{ 'aria-label': 'Any creator' }}
      value={value}
      data={offered.map((name) => ({ value: name, label: label(name) }))}
      filter={({ options }) => options}
      onSearchChange={setTyped}
      onDropdownOpen={() => setIsOpen(true)}
      onDropdownClose={() => setIsOpen(false)}
      onChange={(chosen) =>
        onChange(chosen === instance ? { creator: '', role: 'SYSTEM' } : { creator: chosen ?? '', role: '' })
      }
      nothingFoundMessage={found.isFetching ? 'Looking …' : 'Nobody of that name has created an image'}
      comboboxProps={{ width: 260, position: 'bottom-start' }}
      maxDropdownHeight={320}
      renderOption={({ option }) => {
        const one = creators.find(({ name }) => name === option.value);
        return (
          <span style={{ overflowWrap: 'anywhere' }}>
            {option.label}
            {one !== undefined && (
              <span style={{ color: 'var(--mantine-color-dimmed)' }}> {counted(one.images, 'image')}</span>
            )}
          </span>
        );
      }}
    />
  );
}
