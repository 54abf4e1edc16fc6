import { z } from 'zod';
import { failure } from './failure.ts';

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
