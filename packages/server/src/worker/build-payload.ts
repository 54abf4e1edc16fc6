import type { RebaseSource } from '../images/new-version.ts';
import type { Spec } from '../images/spec.ts';

/** What a job says of what is to be built. */
export type BuildPayload = {
  readonly spec: Spec;
  /** Locks to build from instead of resolving. */
  readonly locks?: readonly { readonly platform: string; readonly text: string }[];
  /** A version to put on another base instead of building. */
  readonly rebase?: RebaseSource;
  /** What the platform release adds to every image. */
  readonly releaseRequirements?: readonly string[];
};
