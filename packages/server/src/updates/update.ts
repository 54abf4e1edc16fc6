/** Kinds of updates: a platform release, which every image must carry, or another base under images. */
export const updateKinds = ['platform', 'base'] as const;
export type UpdateKind = (typeof updateKinds)[number];

/** States of an update. APPLYING: versions are being asked for. APPLIED: all are; they may still be built. */
export const updateStates = ['APPLYING', 'APPLIED', 'HALTED', 'REVERTED'] as const;
export type UpdateState = (typeof updateStates)[number];

/** What an administrator declares. */
export type Declaration =
  | { readonly kind: 'platform'; readonly label: string; readonly requirements: readonly string[] }
  | { readonly kind: 'base'; readonly from: string; readonly to: string };

/** What an update does to an image. */
type UpdateAction = 'rebase' | 'rebuild' | 'none';

/** What becomes of an image, and why. */
export type UpdateDecision = { readonly action: UpdateAction; readonly why: string };

/** An image, what becomes of it, and what changes in it as far as that is known before it is built. */
export type ImageUpdate = UpdateDecision & {
  readonly imageId: number;
  readonly name: string;
  /** The base that it stands on now, as it was when the image was built. */
  readonly baseDigest: string | null;
  /** What a platform release requires and the image does not hold yet. */
  readonly missing: readonly { readonly requirement: string; readonly installed: string | null }[];
};
