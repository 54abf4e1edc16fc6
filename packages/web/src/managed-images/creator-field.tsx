import { TextInput } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { loadPart } from '../shell/application-part.ts';
import { type CreatorChoiceProps, widthOfChoice } from './creator-filter.ts';

const CreatorChoice = lazy(async () => {
  const { CreatorChoice: Choice } = await loadPart(() => import('./creator-choice.tsx'));
  return { default: Choice };
});

/** Who created the images. Choosing among thousands takes a part of the application that is loaded when somebody goes to the field. */
export function CreatorField(props: CreatorChoiceProps) {
  const [isWanted, setIsWanted] = useState(false);
  const { creator, role } = props.filter;
  const field = (
    <TextInput
      aria-label="Creator"
      role="combobox"
      aria-expanded={false}
      placeholder="Any creator"
      w={widthOfChoice}
      readOnly
      value={creator ?? (role === 'SYSTEM' ? 'The instance' : '')}
      onFocus={() => setIsWanted(true)}
    />
  );
  return isWanted ? (
    <Suspense fallback={field}>
      <CreatorChoice {...props} />
    </Suspense>
  ) : (
    field
  );
}
