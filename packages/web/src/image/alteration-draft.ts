import { useEffect, useState } from 'react';
import type { VersionDetails } from '../api/types.ts';
import { type Draft, keepDraft, keptDraft } from '../creation/draft.ts';
import { draftOf } from './spec-draft.ts';

type KeptAlteration = Draft & { readonly begunOn?: number };

/** What an image shall be changed to: kept for this tab as soon as something is changed, so that a reload loses nothing. */
export function useAlterationDraft(name: string, { number, spec }: Pick<VersionDetails, 'number' | 'spec'>) {
  const place = `mir-alteration-${name}`;
  const [kept, setKept] = useState(() => keptDraft<KeptAlteration>(place));
  /** Said once, to who finds it; not to who is typing it. */
  const [begunOn, setBegunOn] = useState(kept?.begunOn);
  useEffect(() => keepDraft(place, kept), [place, kept]);
  const standing = draftOf(name, spec);
  return {
    draft: kept ?? standing,
    isChanged: kept !== undefined,
    change: (changed: Partial<Draft>) =>
      setKept((before) => {
        const { begunOn: on = number, ...draft } = { ...(before ?? standing), ...changed };
        return isEqual(draft, standing) ? undefined : { ...draft, begunOn: on };
      }),
    /** Back to what stands. */
    begin: () => {
      setKept(undefined);
      setBegunOn(undefined);
      keepDraft(place, undefined);
    },
    begunOn,
  };
}

function isEqual(a: Draft, b: Draft): boolean {
  const text = (draft: Draft) => JSON.stringify(Object.entries(draft).toSorted(([one], [two]) => (one < two ? -1 : 1)));
  return text(a) === text(b);
}
