import { platforms, versionStates } from '@mir/core';
import { z } from 'zod';
import { imageTypeNames } from '../../images/image-type.ts';
import { reason } from './difference.ts';
import { failure } from './failure.ts';
import { probeReport, probeSummary } from './probe.ts';

/** What was asked for. */
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
    /** Whether these were asked for; otherwise they are those of the instance. */
    hasOwnPlatforms: z.boolean(),
    bytecode: z.boolean(),
    allowSdist: z.boolean(),
    skipImports: z.array(z.string()),
    smokeCommand: z.array(z.string()),
  })
  .meta({ id: 'Spec' });

const namedVersion = z.object({ name: z.string(), version: z.string() });

/** A version in the list of its image. */
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

/** All that is known of a version. */
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
