/** Why a version exists. */
export const changeKinds = ['CREATED', 'ALTERED', 'BASE', 'PLATFORM', 'REQUIREMENTS', 'ROLLBACK', 'RETRY'] as const;

/** The kinds of reasons. */
export type ChangeKind = (typeof changeKinds)[number];

/** One reason for a version: what changed, from what to what. */
export type ChangeReason = {
  readonly kind: ChangeKind;
  /** What changed, as a person names it: `pandas`, `pythonVersion`, `base`. */
  readonly subject?: string;
  readonly old?: string;
  readonly new?: string;
};
