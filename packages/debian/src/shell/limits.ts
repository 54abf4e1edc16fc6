/** Something that a script does and that is not done here. */
export class NotUnderstood extends Error {}

/** Commands in commands, brackets in brackets: deeper than anybody writes, and no danger to the stack. */
export const deepestNesting = 100;
/** One text that a script makes. */
export const longestText = 16 * 1024 * 1024;
/** Signs read, compared and written, in all. */
export const mostWork = 200_000_000;
/** Commands and rounds of loops. */
export const mostSteps = 200_000;
