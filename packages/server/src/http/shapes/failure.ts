import { z } from 'zod';

/** Why something failed, and what to do. */
export const failure = z
  .object({ code: z.string(), what: z.string(), hint: z.string(), subject: z.string().optional() })
  .meta({ id: 'Failure' });
