import { changeKinds } from '@mir/core';
import { z } from 'zod';

/** Why a version was made: what of the spec, or below it, changed. */
export const reason = z
  .object({
    kind: z.enum(changeKinds),
    subject: z.string().optional(),
    old: z.string().optional(),
    new: z.string().optional(),
  })
  .meta({ id: 'ChangeReason' });

/** A package that two versions do not hold alike. */
export const packageChange = z.object({
  name: z.string(),
  change: z.enum(['added', 'removed', 'version', 'other-file']),
  before: z.string().nullable(),
  after: z.string().nullable(),
  bytesBefore: z.int(),
  bytesAfter: z.int(),
});

/** What is different between two versions. */
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
