import type { OptionTable, OptionValues } from '../options.ts';

/** What a command gets. */
export type Invocation = {
  readonly values: OptionValues;
  readonly positionals: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
};

/** One verb of `mir`. */
export type Command = {
  /** What `--help` prints: usage, options, examples. */
  readonly help: string;
  readonly options: OptionTable;
  /** Does it; gives the exit status. */
  readonly run: (invocation: Invocation) => Promise<number>;
};

/** A verb as it is listed, loaded only when it is used so that every command starts fast. */
export type CommandEntry = {
  readonly words: readonly string[];
  readonly summary: string;
  readonly load: () => Promise<Command>;
};

/** All verbs, in the order in which help lists them. */
export const commands: readonly CommandEntry[] = [
  {
    words: ['quickstart'],
    summary: 'Build a first image into the embedded registry and serve it',
    load: async () => (await import('./quickstart.ts')).quickstart,
  },
  {
    words: ['plan'],
    summary: 'Say what a build would do: versions, bytes to move, problems',
    load: async () => (await import('./plan.ts')).plan,
  },
  {
    words: ['build'],
    summary: 'Build an image from requirements or a lock',
    load: async () => (await import('./build.ts')).build,
  },
  {
    words: ['probe'],
    summary: 'Prove an image in a sandbox: imports, dependencies, scripts',
    load: async () => (await import('./probe.ts')).probe,
  },
  {
    words: ['rebase'],
    summary: 'Put an image on another base without building it again',
    load: async () => (await import('./rebase.ts')).rebase,
  },
  {
    words: ['inspect'],
    summary: 'Show what an image holds',
    load: async () => (await import('./inspect.ts')).inspect,
  },
  {
    words: ['diff'],
    summary: 'Show what is different between two images',
    load: async () => (await import('./diff.ts')).diff,
  },
  {
    words: ['bases'],
    summary: 'List the bases that images can be built on',
    load: async () => (await import('./bases.ts')).bases,
  },
  {
    words: ['bases', 'make'],
    summary: 'Make a base ready before anybody builds on it',
    load: async () => (await import('./bases-make.ts')).basesMake,
  },
  {
    words: ['server'],
    summary: 'Serve an instance: shared images for a whole organization',
    load: async () => (await import('./server.ts')).server,
  },
  {
    words: ['worker'],
    summary: 'Take builds from the queue of an instance',
    load: async () => (await import('./worker.ts')).worker,
  },
  {
    words: ['run'],
    summary: 'Run a command in an image of an instance, with your files',
    load: async () => (await import('./run.ts')).runCommand,
  },
  {
    words: ['runs'],
    summary: 'List test runs, or get the files that one has left',
    load: async () => (await import('./runs.ts')).runs,
  },
  {
    words: ['admin', 'user', 'create'],
    summary: 'Make an account of an instance',
    load: async () => (await import('./admin-user-create.ts')).adminUserCreate,
  },
  {
    words: ['admin', 'token', 'create'],
    summary: 'Make an API token of an account',
    load: async () => (await import('./admin-token-create.ts')).adminTokenCreate,
  },
  {
    words: ['registry', 'serve'],
    summary: 'Serve the embedded registry',
    load: async () => (await import('./registry-serve.ts')).registryServe,
  },
  {
    words: ['registry', 'gc'],
    summary: 'Remove blobs that no image and no known layer needs',
    load: async () => (await import('./registry-gc.ts')).registryGc,
  },
  {
    words: ['registry', 'verify'],
    summary: 'Read everything that is stored and say what is damaged',
    load: async () => (await import('./registry-verify.ts')).registryVerify,
  },
  {
    words: ['registry', 'check'],
    summary: 'Compare the registry of an instance with what the instance says',
    load: async () => (await import('./registry-check.ts')).registryCheck,
  },
  {
    words: ['cache'],
    summary: 'Show what is kept for the next build, or clear it',
    load: async () => (await import('./cache.ts')).cache,
  },
];
