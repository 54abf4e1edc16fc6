import type { BlobReader, Image } from '@mir/oci';

/**
 * The one place where foreign code runs: a command in an image, with nothing of the machine it runs on. Implemented on bubblewrap
 * for one machine; nothing here says how, so that a cluster can do the same.
 */
export interface Sandbox {
  /**
   * Begins to run a command. What is asked is checked and the image's files are made ready before this returns.
   *
   * @throws Fault `sandbox/unavailable`, `sandbox/platform`, `sandbox/command`, `sandbox/layer`, those of reading layers
   */
  run(order: SandboxOrder): Promise<SandboxRun>;
}

/** An image as a sandbox takes it. */
export type SandboxImage = {
  readonly image: Image;
  /** What reads its layers. Each is checked against its diffID before anything of it is used. */
  readonly blobs: BlobReader;
  /** Where the image is, pinned by its digest: for those who pull it themselves, and for messages. */
  readonly reference: string;
};

/** What to run, with what, and within which limits. */
export type SandboxOrder = {
  readonly image: SandboxImage;
  /** The program and its arguments; looked up on the image's PATH. No shell is between. */
  readonly command: readonly string[];
  /** On top of the image's own variables. Nothing of this process's environment is ever passed on. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: `/work`, an empty folder that may be written to. */
  readonly workingFolder?: string;
  /** Put there before the start; below `/work` they may be changed, anywhere else they are read-only. */
  readonly files?: readonly SandboxFile[];
  readonly standardInput?: Uint8Array;
  readonly limits: SandboxLimits;
  readonly network?: SandboxNetwork;
  /** What the run leaves in a folder, taken when it has ended, however it ended. */
  readonly results?: SandboxResults;
  /**
   * `user`: uid 1000 on a read-only root. `root`: uid 0 in the image's own eyes, on a root that may be written to and is thrown
   * away; for configuring OS packages. Default: `user`. Neither has any right outside.
   */
  readonly identity?: 'user' | 'root';
};

export type SandboxFile = {
  /** Absolute in the image, without `..`. */
  readonly path: string;
  readonly isExecutable?: boolean;
  readonly content: Uint8Array | (() => AsyncIterable<Uint8Array>);
};

/** What a run may use at most. Past a limit it is ended, and its end says which. */
export type SandboxLimits = {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /**
   * What its processes hold, for themselves or shared with each other, and what it writes to scratch, which is memory too. Files that
   * were given before the start count for scratch only.
   */
  readonly memoryBytes: number;
  readonly processes: number;
  readonly openFiles: number;
  /** One file. */
  readonly fileBytes: number;
  /**
   * Everything that it writes: /work, /tmp, /dev/shm, the results, and with identity `root` the root; and the files given. Never more than
   * the memory, of which it is a part.
   */
  readonly scratchBytes: number;
  /** Standard output and error together. */
  readonly outputBytes: number;
};

/** What a run may reach through our proxy. Without it: nothing at all. Private, loopback and link-local addresses never. */
export type SandboxNetwork = {
  /** Host names, with a port where it is not 443: `index.example`, `index.example:8080`. */
  readonly hosts: readonly string[] | 'any';
  /** Addresses that an administrator listed although they are private, as `HOST:PORT`. */
  readonly privateHosts?: readonly string[];
};

/** Which files come back, and who takes them. Links, devices, sockets and pipes never do. */
export type SandboxResults = {
  /** Absolute in the image; made before the start, may be written to. */
  readonly folder: string;
  readonly fileLimit: number;
  readonly limitBytes: number;
  /** Called for one file after the other; `path` is relative, without `..`. The content is read once, before the next file. */
  accept(file: CollectedFile): Promise<void>;
};

export type CollectedFile = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
  readonly content: AsyncIterable<Uint8Array>;
};

/** A command that runs. */
export type SandboxRun = {
  /** What it prints, as it comes; has to be read to its end, or the command waits. */
  readonly output: AsyncIterable<OutputChunk>;
  /** Resolves when nothing of it runs any more and its results are taken. */
  readonly ended: Promise<SandboxEnd>;
  /** Ends it at once, with everything it started. */
  stop(): void;
};

export type OutputChunk = { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array };

/** A limit by its name. */
export type SandboxLimit = 'wall-time' | 'cpu-time' | 'memory' | 'processes' | 'output' | 'results';

/** How a run ended, and what it took. */
export type SandboxEnd = {
  readonly outcome:
    | { readonly kind: 'exited'; readonly status: number }
    | { readonly kind: 'signalled'; readonly signal: string }
    | { readonly kind: 'limit'; readonly limit: SandboxLimit }
    | { readonly kind: 'stopped' };
  readonly wallSeconds: number;
  /** Unknown where the machine does not count them for a group of processes. */
  readonly cpuSeconds: number | undefined;
  /** With what was in scratch; without files of the image that were only read. */
  readonly peakMemoryBytes: number | undefined;
  /** What was left behind in the results folder and not taken, in words. */
  readonly leftOut: readonly string[];
};
