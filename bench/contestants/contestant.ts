import type { BaseNumber } from '../stage.ts';

/** One image to be built and pushed. */
export type Job = {
  readonly name: string;
  /** Pinned and whole. */
  readonly requirements: readonly string[];
  /** Those of them that were added to the set, for who splits by hand. */
  readonly added: readonly string[];
  readonly base: BaseNumber;
};

/** Whoever builds images. Its registry holds the bases and what it has pushed. */
export interface Contestant {
  readonly name: string;
  /** Forgets everything but the bases, in its registry too. */
  forget(): Promise<void>;
  /** Forgets images, in its registry too, and keeps what was downloaded for them. */
  forgetImages(): Promise<void>;
  /** Builds the image and pushes it: what is timed. */
  build(job: Job): Promise<void>;
  /** Puts the image of a job that was built on the first base onto the second: what is timed. */
  moveToSecondBase(job: Job): Promise<void>;
  /** Says what changes when its caches were emptied by somebody who shares them. */
  readonly generation: () => number;
}
