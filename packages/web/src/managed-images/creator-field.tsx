import { TextInput } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { loadPart } from '../shell/application-part.ts';
import { type CreatorChoiceProps, widthOfChoice } from './creator-filter.ts';

/** Who created the images. Choosing among thousands takes a part of the application that is loaded when somebody goes to the field. */
export function CreatorField(props: CreatorChoiceProps) {
  // What could not be fetched stays so for this one; whoever tries again gets another.
  const [CreatorChoice] = useState(() => lazy(loadCreatorChoice));
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

async function loadCreatorChoice() {
  const { CreatorChoice } = await loadPart(() => import('./creator-choice.tsx'));
  return { default: CreatorChoice };
}
