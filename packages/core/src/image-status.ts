/** What the wire says of an image; no other words exist for it (the original clients refuse unknown ones). */
export const imageStatuses = ['BUILDING_FIRST_TIME', 'REBUILDING', 'READY', 'FAILED', 'OUTDATED'] as const;

/** The status of an image. */
export type ImageStatus = (typeof imageStatuses)[number];

/** How far a version has come, in the order in which it goes through them. */
export const versionStates = ['QUEUED', 'RESOLVING', 'BUILDING', 'PROBING', 'READY', 'FAILED', 'CANCELLED'] as const;

/** The state of a version. */
export type VersionState = (typeof versionStates)[number];

/** States in which nothing more will happen to a version. */
export const finalVersionStates = ['READY', 'FAILED', 'CANCELLED'] as const satisfies readonly VersionState[];

/** Whether nothing more will happen to a version. */
export function isFinal(state: VersionState): boolean {
  return finalVersionStates.some((final) => final === state);
}
