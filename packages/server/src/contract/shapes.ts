import { imageStatuses } from '@mir/core';
import { z } from 'zod';
import { packageTypes } from '../images/spec.ts';

/** Shapes of the original's wire contract. Their fields and words are closed: nothing new is ever added to them. */

const pipRequirement = z.object({ name: z.string(), versionSpecifier: z.string() });
const packageRequirement = z.object({ name: z.string(), versionSpecifier: z.string(), packageType: z.string() });

const imageReference = z.object({
  name: z.string(),
  referenceType: z.enum([
    'REFERENCE_TYPE_UNSPECIFIED',
    'REFERENCE_TYPE_RIME_DOCKERHUB',
    'REFERENCE_TYPE_MANAGED',
    'REFERENCE_TYPE_EXTERNAL_ECR',
    'REFERENCE_TYPE_EXTERNAL_GAR',
  ]),
});

/** A reference to an image, as the wire has it. */
export type WireReference = z.infer<typeof imageReference>;

export const managedImage = z
  .object({
    name: z.string(),
    baseImage: imageReference,
    roleType: z.enum(['ROLE_TYPE_USER_DEFINED', 'ROLE_TYPE_SYSTEM', 'ROLE_TYPE_UNSPECIFIED']),
    childImages: z.array(imageReference),
    rimeTag: z.string(),
    repoUri: z.string(),
    status: z.enum(imageStatuses.map((status) => `STATUS_${status}` as const)),
    packageRequirements: z.array(packageRequirement),
    pipRequirements: z.array(pipRequirement),
    pipLibraries: z.array(z.object({ name: z.string(), version: z.string() })),
    pythonVersion: z.string(),
    rimeImageType: z.string().optional(),
  })
  .meta({ id: 'ManagedImage' });

/** An image as the wire has it. */
export type WireImage = z.infer<typeof managedImage>;

export const job = z
  .object({
    jobId: z.string(),
    jobType: z.literal('JOB_TYPE_IMAGE_BUILDER'),
    status: z.enum([
      'JOB_STATUS_REQUESTED',
      'JOB_STATUS_PENDING',
      'JOB_STATUS_RUNNING',
      'JOB_STATUS_SUCCEEDED',
      'JOB_STATUS_FAILED',
      'JOB_STATUS_CANCELLED',
      'JOB_STATUS_UNSPECIFIED',
    ]),
    creationTime: z.string(),
    startTime: z.string().optional(),
    completionTime: z.string().optional(),
    runningTimeSecs: z.number(),
    jobProgressStr: z.string(),
    cancellationRequested: z.boolean(),
    errorMsg: z.string().optional(),
    terminationReason: z.string().optional(),
  })
  .meta({ id: 'Job' });

/** A job as the wire has it. */
export type WireJob = z.infer<typeof job>;

export const imageAndJob = z.object({ image: managedImage, job });

export const imagePage = z.object({ images: z.array(managedImage), nextPageToken: z.string() });

/** Text of a request: absent and null are the same. */
const text = z
  .string()
  .nullish()
  .transform((given) => given ?? undefined);

/** What a spec may say in a request, in the original's fields and in those that are new beside them. */
export const specRequest = z.object({
  pythonVersion: text,
  imageType: text,
  base: text,
  pipRequirements: z
    .array(
      z.object({
        name: z.string(),
        versionSpecifier: text,
        extras: z.array(z.string()).nullish(),
        marker: text,
        url: text,
      }),
    )
    .nullish(),
  requirements: z.array(z.string()).nullish(),
  packageRequirements: z
    .array(
      z.object({
        name: z.string(),
        versionSpecifier: text,
        packageType: z.enum(packageTypes).nullish(),
      }),
    )
    .nullish(),
  osPackages: z.array(z.string()).nullish(),
  platforms: z
    .array(z.string())
    .nullish()
    .describe(
      'When an image is altered, null leaves them as they are, and an empty list puts them back to those of the instance.',
    ),
  bytecode: z.boolean().nullish(),
  allowSdist: z.boolean().nullish(),
  skipImports: z.array(z.string().max(256)).max(1000).nullish(),
  smokeCommand: z.array(z.string().max(4096)).max(256).nullish(),
});

/** A spec as a request says it. */
export type SpecRequest = z.infer<typeof specRequest>;

/** A number of things, as a number or, from one of the original's clients, as its text; 0 and nothing mean the default. */
export const pageSize = z
  .union([z.number(), z.string().regex(/^\d{0,6}$/)])
  .nullish()
  .transform((given) => Math.min(Math.max(Math.trunc(Number(given ?? 0)), 0), 1000) || 20);
