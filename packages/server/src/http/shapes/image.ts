import { imageStatuses } from '@mir/core';
import { z } from 'zod';
import { imageTypeNames } from '../../images/image-type.ts';
import { jobDetails } from './job.ts';
import { probeSummary } from './probe.ts';
import { specAnswer, versionSummary } from './version.ts';

/** An image in a list. */
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

/** A use of an image that goes on. */
export const imageUse = z
  .object({ id: z.string(), by: z.string(), version: z.int(), createdAt: z.string(), expiresAt: z.string() })
  .meta({ id: 'ImageUse' });

/** All that is known of an image. */
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
