import { z } from 'zod';

/** A requirement that an image does not meet. */
export const missingRequirement = z.object({ requirement: z.string(), installed: z.string().nullable() });

/** An image that holds what a spec asks for, or nearly. */
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

/** What a build would do. */
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
