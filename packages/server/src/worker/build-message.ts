import type { ProbeReport, ProgressEvent } from '@mir/builder';
import type { FaultData, Platform } from '@mir/core';
import type { Suite } from '@mir/debian';
import type { BuildResult } from '../images/completion.ts';
import type { RegistryNotes } from '../registry/image-registry.ts';
import type { RegistryAnswer, RegistryQuestion } from './registry-questions.ts';
import type { RunOrder, RunResult } from './run-message.ts';

/** What a build process is told to build: a spec with all that the instance adds to it. */
export type BuildOrder = {
  readonly platforms: readonly Platform[];
  readonly pythonVersion: string | undefined;
  readonly base: string | undefined;
  /** PEP 508 lines: the user's, the image type's, the platform release's. */
  readonly requirements: readonly string[];
  /** Versions to prefer, as pins; left out when they fit nothing. */
  readonly preferences: readonly string[];
  readonly osPackages: readonly string[];
  readonly bytecode: boolean;
  readonly allowSdist: boolean;
  /** Locks to build from instead of resolving, one for each platform. */
  readonly locks: readonly { readonly platform: string; readonly text: string }[];
  /** An image to put on another base instead of building one. */
  readonly rebase?: { readonly image: string; readonly base: string };
  readonly proof: ProofOrder;
};

/** How an image is proven before its version is READY. */
export type ProofOrder = {
  readonly mode: 'where-possible' | 'required' | 'off';
  /** What was asked for, as requirements: the modules of these distributions are imported. */
  readonly requested: readonly string[];
  readonly skipModules: readonly string[];
  readonly smokeCommand: readonly string[] | undefined;
};

/** Where an image goes. */
export type BuildTarget =
  | { readonly kind: 'embedded'; readonly repository: string; readonly tag: string }
  | { readonly kind: 'registry'; readonly registry: string; readonly repository: string; readonly tag: string };

/** A package of a plan. */
type PlannedPackage = {
  readonly kind: 'wheel' | 'os-package';
  readonly name: string;
  readonly version: string;
  readonly sizeBytes: number;
  readonly isHere: boolean;
};

/** What a plan says. */
export type PlanResult = {
  readonly platforms: readonly {
    readonly platform: string;
    readonly base: { readonly name: string; readonly digest: string };
    readonly pythonVersion: string;
    readonly lockDigest: string;
    readonly lock: string;
    readonly packages: readonly PlannedPackage[];
    readonly bytesToMove: number;
    readonly bytesShared: number;
    readonly problems: readonly PlanProblem[];
  }[];
};

type PlanProblem = {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  readonly osPackages?: readonly string[];
};

/** What a worker says to its build process. */
export type WorkerMessage =
  /** First of all: what is special about the instance's registry. */
  | { readonly type: 'registry'; readonly notes: RegistryNotes | undefined }
  | { readonly type: 'build'; readonly order: BuildOrder; readonly target: BuildTarget }
  | { readonly type: 'deliver'; readonly id: number; readonly target: BuildTarget }
  | { readonly type: 'plan'; readonly order: BuildOrder }
  | { readonly type: 'catalogue'; readonly suite: Suite }
  | { readonly type: 'run'; readonly order: RunOrder }
  /** Nothing more is wanted of the image that was built. */
  | { readonly type: 'done' }
  | { readonly type: 'record'; readonly id: number; readonly record: unknown }
  | { readonly type: 'registry-answer'; readonly id: number; readonly answer: RegistryAnswer };

/** What a build process says. It knows no database: layer records are asked for. */
export type ProcessMessage =
  | { readonly type: 'read-record'; readonly id: number; readonly key: readonly string[] }
  | { readonly type: 'write-record'; readonly id: number; readonly key: readonly string[]; readonly record: object }
  | { readonly type: 'registry-question'; readonly id: number; readonly question: RegistryQuestion }
  | { readonly type: 'progress'; readonly event: ProgressEvent }
  | { readonly type: 'log'; readonly text: string }
  | { readonly type: 'built'; readonly result: BuildResult }
  /** The image is at one of its targets; or, with a fault, it is not. */
  | { readonly type: 'delivered'; readonly id: number; readonly fault?: FaultData }
  | { readonly type: 'planned'; readonly result: PlanResult }
  | { readonly type: 'catalogued'; readonly names: readonly string[] }
  /** What probes said, whether they were passed or not. */
  | { readonly type: 'probed'; readonly reports: readonly ProbeReport[] }
  /** The digest that the name of a run's image stands for. */
  | { readonly type: 'pinned'; readonly digest: string }
  | { readonly type: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'ran'; readonly result: RunResult }
  | { readonly type: 'failed'; readonly fault: FaultData };
