import { useEffect, useState } from 'react';
import type { Operations } from '../api/types.ts';
import type { RequirementLine } from './requirements-text.ts';

/** An image that is being thought of. */
export type Draft = {
  readonly name: string;
  /** The pip requirements as they were typed, pasted or dropped. */
  readonly text: string;
  readonly imageType: string;
  /** A Python X.Y, or empty for the instance's own choice. */
  readonly pythonVersion: string;
  readonly osPackages: readonly string[];
  /** Empty for what the instance builds for by itself. */
  readonly platforms: readonly string[];
  readonly allowSdist: boolean;
  /** Another base than that of the Python; of images that have one. */
  readonly base?: string;
};

const empty: Draft = {
  name: '',
  text: '',
  imageType: '',
  pythonVersion: '',
  osPackages: [],
  platforms: [],
  allowSdist: false,
};

const place = 'mir-draft';

/** The draft of this tab: it is still there after a reload, and gone with the tab. */
export function useDraft() {
  const [draft, setDraft] = useState(() => keptDraft(place) ?? empty);
  useEffect(() => keepDraft(place, draft), [draft]);
  return {
    draft,
    change: (changed: Partial<Draft>) => setDraft((before) => ({ ...before, ...changed })),
    clear: () => setDraft(empty),
  };
}

/** Keeps a draft for this tab; undefined forgets it. */
export function keepDraft(name: string, draft: object | undefined): void {
  try {
    if (draft === undefined) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(draft));
  } catch {
    // A browser that keeps nothing loses the draft with a reload, and nothing else.
  }
}

/** The draft that this tab keeps under a name. */
export function keptDraft<Kept extends Draft>(name: string): Kept | undefined {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(name) ?? 'null');
    return typeof found === 'object' && found !== null ? ({ ...empty, ...found } as Kept) : undefined;
  } catch {
    return undefined;
  }
}

/** A spec as the API takes it. */
export type SpecBody = Operations['planImage']['body'];

/** What a draft asks the instance for. */
export function specOf(draft: Draft, lines: readonly RequirementLine[]): SpecBody {
  return {
    requirements: lines.map(({ text }) => text),
    ...(draft.imageType !== '' && { imageType: draft.imageType }),
    ...(draft.pythonVersion !== '' && { pythonVersion: draft.pythonVersion }),
    ...(draft.osPackages.length > 0 && { osPackages: draft.osPackages }),
    ...(draft.platforms.length > 0 && { platforms: draft.platforms }),
    ...(draft.allowSdist && { allowSdist: true }),
    ...(draft.base !== undefined && { base: draft.base }),
  };
}
