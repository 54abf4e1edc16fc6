import type { JobDetails } from '../api/types.ts';

/** What a build does at the moment, in a word that people know. */
const stageNames: Readonly<Record<string, string>> = {
  base: 'Preparing the base',
  resolve: 'Resolving',
  sdists: 'Building from sources',
  'os-packages': 'Adding OS packages',
  wheels: 'Making layers',
  bytecode: 'Compiling',
  assemble: 'Assembling',
  probe: 'Probing',
  push: 'Pushing',
};

/** What a stage is called. */
export function stageName(stage: string): string {
  return stageNames[stage] ?? stage.charAt(0).toUpperCase() + stage.slice(1);
}

/** What a build does, in a few words: its stage, or its place in the queue. */
export function activityOf(job: JobDetails): string {
  if (job.cancellationRequested) return 'Cancelling';
  if (job.status === 'QUEUED') return job.queuePosition === null ? 'Waiting' : `Waiting, number ${job.queuePosition}`;
  return job.stage === null ? 'Starting' : stageName(job.stage);
}

/** How much of its bytes a build has moved, from 0 to 1; undefined while nobody knows how many there are. */
export function doneOf({ progress, status }: JobDetails): number | undefined {
  if (status !== 'RUNNING' || progress.totalBytes === 0) return undefined;
  return Math.min(1, progress.doneBytes / progress.totalBytes);
}
