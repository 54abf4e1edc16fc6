import type { Stage } from '@mir/builder';

/** What a worker does. A catalogue is the list of a Debian release's packages. */
export const jobKinds = ['build', 'plan', 'catalogue', 'run'] as const;

/** The kind of a job. */
export type JobKind = (typeof jobKinds)[number];

/**
 * What is done one after the other. Plans have a lane of their own: nobody waits behind a build to see what a build would do; and so
 * have test runs, which may take an hour.
 */
export const lanes = [['build'], ['plan', 'catalogue'], ['run']] as const satisfies readonly (readonly JobKind[])[];

/** Lower goes first. */
export const priorities = { interactive: 0, rebuild: 1, prewarm: 2 } as const;

/** How urgent a job is, as a person names it. */
export type PriorityName = keyof typeof priorities;

/** How urgent a job is, as the queue sorts it. */
export type JobPriority = (typeof priorities)[PriorityName];

/** The states of a job. */
export const jobStates = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const;

/** The state of a job. */
export type JobState = (typeof jobStates)[number];

/** How far a running job has come. Bytes count what is fetched. */
export type JobProgress = {
  readonly stage: Stage | undefined;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly sentBytes: number;
  readonly stages: readonly { readonly stage: Stage; readonly seconds: number }[];
};

/** The name of a priority. */
export function priorityName(priority: number): PriorityName {
  return priority === 0 ? 'interactive' : priority === 1 ? 'rebuild' : 'prewarm';
}
