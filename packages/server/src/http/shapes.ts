import { changeKinds, imageStatuses, platforms, versionStates } from '@mir/core';
import { z } from 'zod';
import { imageTypeNames } from '../images/image-type.ts';
import { jobKinds, jobStates } from '../jobs/job.ts';

/** Shapes of the answers that are new beside the original's. */

/**
 * A time as requests say it. In the form that databases read, too: some take no year 0, nor a clock that is 16 hours away; both are
 * asked of the time that is meant, since it may be in another year than what is written.
 */
export const time = z.iso
  .datetime({ offset: true })
  .refine((text) => /^(?!0000)\d{4}-/.test(new Date(text).toJSON() ?? ''), 'is no time')
  .overwrite((text) => new Date(text).toJSON() ?? text);

const failure = z
  .object({ code: z.string(), what: z.string(), hint: z.string(), subject: z.string().optional() })
  .meta({ id: 'Failure' });

export const reason = z
  .object({
    kind: z.enum(changeKinds),
    subject: z.string().optional(),
    old: z.string().optional(),
    new: z.string().optional(),
  })
  .meta({ id: 'ChangeReason' });

const namedVersion = z.object({ name: z.string(), version: z.string() });

export const specAnswer = z
  .object({
    pythonVersion: z.string().nullable(),
    imageType: z.enum(imageTypeNames).nullable(),
    base: z.string().nullable(),
    pipRequirements: z.array(
      z.object({
        name: z.string(),
        versionSpecifier: z.string().optional(),
        extras: z.array(z.string()).optional(),
        marker: z.string().optional(),
        url: z.string().optional(),
      }),
    ),
    packageRequirements: z.array(
      z.object({ name: z.string(), versionSpecifier: z.string().optional(), packageType: z.string().optional() }),
    ),
    platforms: z.array(z.enum(platforms)),
    bytecode: z.boolean(),
    allowSdist: z.boolean(),
    skipImports: z.array(z.string()),
    smokeCommand: z.array(z.string()),
  })
  .meta({ id: 'Spec' });

const probeOutcome = z.enum(['passed', 'failed', 'not-probed']);

/** Whether a version was proven on all of its platforms; the note says why not. */
export const probeSummary = z
  .object({ outcome: probeOutcome, note: z.string().nullable() })
  .meta({ id: 'ProbeSummary' });

/** What the probe of one platform's image found, as the builder writes it down. */
export const probeReport = z
  .object({
    platform: z.string(),
    outcome: probeOutcome,
    why: z.string().optional(),
    seconds: z.number(),
    python: z.object({ version: z.string(), machine: z.string(), prefix: z.string() }).optional(),
    packages: z.array(
      z.object({
        name: z.string(),
        version: z.string().optional(),
        modules: z.array(
          z.object({
            module: z.string(),
            outcome: z.enum(['imported', 'failed', 'skipped']),
            seconds: z.number(),
            peakMemoryBytes: z.number(),
            warnings: z.array(z.string()),
            error: z.string().optional(),
          }),
        ),
      }),
    ),
    dependencies: z.array(z.object({ name: z.string(), requirement: z.string(), found: z.string().optional() })),
    problems: z.array(z.object({ severity: z.string(), code: z.string(), message: z.string(), fix: z.string() })),
    scripts: z.array(
      z.object({ name: z.string(), package: z.string(), outcome: z.string(), error: z.string().optional() }),
    ),
    smoke: z
      .object({
        command: z.array(z.string()),
        status: z.int().optional(),
        seconds: z.number(),
        output: z.string(),
      })
      .optional(),
    failures: z.array(failure),
    osPackages: z.array(z.string()),
  })
  .meta({ id: 'ProbeReport' });

export const versionSummary = z
  .object({
    number: z.int(),
    tag: z.string(),
    state: z.enum(versionStates),
    isCurrent: z.boolean(),
    reasons: z.array(reason),
    digest: z.string().nullable(),
    createdBy: z.string().nullable(),
    createdAt: z.string(),
    finishedAt: z.string().nullable(),
    sizeBytes: z.int().nullable(),
    packages: z.int().nullable(),
    failure: failure.nullable(),
    probe: probeSummary.nullable(),
    jobId: z.string().nullable(),
  })
  .meta({ id: 'VersionSummary' });

export const versionDetails = versionSummary
  .extend({
    spec: specAnswer,
    lockDigest: z.string().nullable(),
    base: z.object({ name: z.string(), digest: z.string() }).nullable(),
    libraries: z.array(namedVersion),
    osPackages: z.array(namedVersion),
    problems: z.array(z.object({ code: z.string(), message: z.string(), fix: z.string() })),
    durations: z.array(z.object({ stage: z.string(), seconds: z.number() })),
    layers: z.array(z.object({ digest: z.string(), sizeBytes: z.int(), role: z.string(), images: z.int() })),
    lockPlatforms: z.array(z.string()),
    probes: z.array(probeReport),
  })
  .meta({ id: 'VersionDetails' });

export const jobDetails = z
  .object({
    jobId: z.string(),
    kind: z.enum(jobKinds),
    status: z.enum(['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED']),
    images: z.array(
      z.object({
        name: z.string(),
        version: z.int(),
        creator: z.string().nullable(),
        workspace: z.string().nullable(),
      }),
    ),
    priority: z.enum(['interactive', 'rebuild', 'prewarm']),
    queuePosition: z.int().nullable(),
    expectedStart: z.string().nullable(),
    stage: z.string().nullable(),
    progress: z.object({
      doneBytes: z.int(),
      totalBytes: z.int(),
      sentBytes: z.int(),
      secondsLeft: z.int().nullable(),
      stages: z.array(z.object({ stage: z.string(), seconds: z.number() })),
    }),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
    attempts: z.int(),
    cancellationRequested: z.boolean(),
    failure: failure.nullable(),
  })
  .meta({ id: 'JobDetails' });

export const imageSummary = z
  .object({
    name: z.string(),
    status: z.enum(imageStatuses),
    roleType: z.enum(['USER_DEFINED', 'SYSTEM']),
    imageType: z.enum(imageTypeNames).nullable(),
    pythonVersion: z.string().nullable(),
    base: z.string().nullable(),
    version: z.int(),
    digest: z.string().nullable(),
    sizeBytes: z.int().nullable(),
    packages: z.int(),
    probe: probeSummary.nullable(),
    creator: z.string().nullable(),
    workspace: z.string().nullable(),
    createdAt: z.string(),
    updatedAt: z.string(),
    reference: z.string(),
  })
  .meta({ id: 'ImageSummary' });

export const imageUse = z
  .object({ id: z.string(), by: z.string(), version: z.int(), createdAt: z.string(), expiresAt: z.string() })
  .meta({ id: 'ImageUse' });

export const imageDetails = imageSummary
  .extend({
    repoUri: z.string(),
    spec: specAnswer,
    currentVersion: z.int().nullable(),
    latestVersion: versionSummary,
    job: jobDetails.nullable(),
    parent: z.string().nullable(),
    children: z.array(z.string()),
    uses: z.array(imageUse),
    rights: z.object({ alter: z.boolean(), remove: z.boolean() }),
  })
  .meta({ id: 'ImageDetails' });

export const missingRequirement = z.object({ requirement: z.string(), installed: z.string().nullable() });

export const match = z
  .object({
    name: z.string(),
    kind: z.enum(['identical', 'satisfies', 'near']),
    digest: z.string().nullable(),
    missing: z.array(missingRequirement),
    extraPackages: z.int(),
    packages: z.int(),
  })
  .meta({ id: 'Match' });

const problem = z.object({
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  message: z.string(),
  fix: z.string(),
  osPackages: z.array(z.string()).optional(),
});

export const plan = z
  .object({
    platforms: z.array(
      z.object({
        platform: z.string(),
        base: z.object({ name: z.string(), digest: z.string() }),
        pythonVersion: z.string(),
        lockDigest: z.string(),
        lock: z.string(),
        packages: z.array(
          z.object({
            kind: z.enum(['wheel', 'os-package']),
            name: z.string(),
            version: z.string(),
            sizeBytes: z.int(),
            isHere: z.boolean(),
          }),
        ),
        bytesToMove: z.int(),
        bytesShared: z.int(),
        problems: z.array(problem),
      }),
    ),
    matches: z.array(match),
  })
  .meta({ id: 'Plan' });

export const packageChange = z.object({
  name: z.string(),
  change: z.enum(['added', 'removed', 'version', 'other-file']),
  before: z.string().nullable(),
  after: z.string().nullable(),
  bytesBefore: z.int(),
  bytesAfter: z.int(),
});

export const difference = z
  .object({
    from: z.object({ name: z.string(), version: z.int(), digest: z.string() }),
    to: z.object({ name: z.string(), version: z.int(), digest: z.string() }),
    spec: z.array(reason),
    packages: z.array(packageChange),
    osPackages: z.array(packageChange),
    layers: z.object({
      shared: z.object({ count: z.int(), sizeBytes: z.int() }),
      from: z.object({ count: z.int(), sizeBytes: z.int() }),
      to: z.object({ count: z.int(), sizeBytes: z.int() }),
    }),
  })
  .meta({ id: 'Difference' });

export const testRun = z
  .object({
    id: z.string(),
    status: z.enum(jobStates),
    image: z.object({
      name: z.string(),
      version: z.int().nullable(),
      digest: z.string().nullable(),
      isExternal: z.boolean(),
    }),
    command: z.array(z.string()),
    variables: z.array(z.string()),
    workspace: z.string().nullable(),
    creator: z.string().nullable(),
    timeLimitSeconds: z.int(),
    memoryBytes: z.int(),
    network: z.boolean(),
    queuePosition: z.int().nullable(),
    cancellationRequested: z.boolean(),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
    exitStatus: z.int().nullable(),
    usage: z
      .object({
        wallSeconds: z.number(),
        cpuSeconds: z.number().nullable(),
        peakMemoryBytes: z.int().nullable(),
      })
      .nullable(),
    leftOut: z.array(z.string()),
    failure: failure.nullable(),
    rights: z.object({ cancel: z.boolean() }),
  })
  .meta({ id: 'TestRun' });

export const storedFile = z
  .object({ path: z.string(), sizeBytes: z.int(), isExecutable: z.boolean() })
  .meta({ id: 'StoredFile' });
