import type { FaultData } from '@mir/core';
import type { MissingLibrary } from '../plan/missing-libraries.ts';
import type { Problem } from '../plan/problem.ts';

/** What is asked of a probe. */
export type ProbeRequest = {
  /** Distributions that the user asked for: their modules are imported. Without it those that no other one requires. */
  readonly requested?: readonly string[];
  /** Modules that are not to be imported, with all below them; the console scripts that would import them are left out too. */
  readonly skipModules: readonly string[];
  /** A command that has to end with status 0 in the image; no shell is between. */
  readonly smokeCommand?: readonly string[];
  readonly limits?: Partial<ProbeLimits>;
};

/** What one import, and a probe as a whole, may use at most. */
export type ProbeLimits = {
  readonly importSeconds: number;
  readonly memoryBytes: number;
  /** Of what one import prints. */
  readonly outputBytes: number;
  /** Processes and threads. */
  readonly processes: number;
  readonly smokeSeconds: number;
  /** What is not tried by then is left out, and the probe fails. */
  readonly totalSeconds: number;
};

/** What a probe found out about one image, on one platform. Plain data, to be stored as JSON. */
export type ProbeReport = {
  /** `linux/amd64`. */
  readonly platform: string;
  readonly outcome: ProbeOutcome;
  /** Why nothing was probed, in words. */
  readonly why?: string;
  readonly seconds: number;
  readonly python?: ProbedPython;
  readonly packages: readonly ProbedPackage[];
  /** Requirements of installed distributions that the image does not meet. */
  readonly dependencies: readonly BrokenDependency[];
  /** Libraries that files of the packages link to and that nothing brings. Not every file is imported: they alone fail no probe. */
  readonly missingLibraries: readonly MissingLibrary[];
  /** About missing libraries, in the words of the plan. */
  readonly problems: readonly Problem[];
  readonly scripts: readonly ProbedScript[];
  readonly smoke?: ProbedSmoke;
  /** The first of the failures: why the probe failed, and what to do about it. */
  readonly failure?: FaultData;
  readonly failures: readonly FaultData[];
  /** OS packages whose adding would mend failures. */
  readonly osPackages: readonly string[];
};

export type ProbeOutcome = 'passed' | 'failed' | 'not-probed';

/** The interpreter as it is in the image. */
export type ProbedPython = {
  /** `3.11.2`. */
  readonly version: string;
  readonly machine: string;
  /** `/opt/venv`. */
  readonly prefix: string;
};

/** A distribution that was asked for. */
export type ProbedPackage = {
  readonly name: string;
  /** Undefined where it is not installed. */
  readonly version?: string;
  readonly modules: readonly ProbedModule[];
};

/** A module at the top of a distribution, imported in a process of its own. */
export type ProbedModule = {
  readonly module: string;
  readonly outcome: 'imported' | 'failed' | 'skipped';
  /** Of the import alone, without the interpreter's start. */
  readonly seconds: number;
  readonly peakMemoryBytes: number;
  readonly warnings: readonly string[];
  /** The last lines of the traceback, or how the process ended; of what was skipped, why. */
  readonly error?: string;
};

export type BrokenDependency = {
  /** The distribution that requires something. */
  readonly name: string;
  /** As it is written there: `numpy>=2`. */
  readonly requirement: string;
  /** The version that is there; undefined where there is none. */
  readonly found?: string;
};

/** A console script of a distribution that was asked for: its interpreter is there, and its function was loaded, not called. */
export type ProbedScript = {
  readonly name: string;
  readonly package: string;
  readonly outcome: 'loaded' | 'failed' | 'skipped';
  readonly error?: string;
};

export type ProbedSmoke = {
  readonly command: readonly string[];
  /** Undefined where it was ended by a signal or a limit. */
  readonly status?: number;
  readonly seconds: number;
  /** The end of what it printed. */
  readonly output: string;
};

/** Everything that can be wrong with an image that was probed, by stable code. */
export type ProbeFaultCode =
  | 'probe/interpreter'
  | 'probe/not-installed'
  | 'probe/dependency'
  | 'probe/missing-library'
  | 'probe/glibc-too-old'
  | 'probe/numpy-abi'
  | 'probe/missing-module'
  | 'probe/processor'
  | 'probe/memory'
  | 'probe/time'
  | 'probe/output'
  | 'probe/processes'
  | 'probe/exited'
  | 'probe/crashed'
  | 'probe/import'
  | 'probe/script'
  | 'probe/smoke'
  | 'probe/report';

/** The limits where none are asked for. */
export const defaultProbeLimits: ProbeLimits = {
  importSeconds: 120,
  memoryBytes: 4 * 2 ** 30,
  outputBytes: 1 << 20,
  processes: 256,
  smokeSeconds: 300,
  totalSeconds: 900,
};
