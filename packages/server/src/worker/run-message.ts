import type { RunOutcome } from '../runs/test-run.ts';

/** What a build process is told to run: a command in an image, with files that lie ready on this machine. */
export type RunOrder = {
  /** As the builder names it. */
  readonly image: string;
  /** Of an image that is not managed here; those get nothing that belongs to the instance. */
  readonly external:
    | { readonly credentials: RegistryCredentials | undefined; readonly largestBytes: number }
    | undefined;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly files: readonly PlacedFile[];
  /** Where the files go that the run leaves; empty at the start. */
  readonly resultsFolder: string;
  readonly timeLimitSeconds: number;
  readonly memoryBytes: number;
  readonly resultsBytes: number;
  /** What may be reached; nothing when it is empty. */
  readonly networkHosts: readonly string[];
};

/** For one registry, and no other. */
type RegistryCredentials = { readonly registry: string; readonly username: string; readonly password: string };

/** A file of a run, and where its content lies. */
export type PlacedFile = { readonly path: string; readonly isExecutable: boolean; readonly place: string };

/** What a run gave. */
export type RunResult = {
  /** Of the image that it ran in. */
  readonly digest: string;
  readonly outcome: RunOutcome;
  readonly files: readonly PlacedFile[];
};
