import { z } from 'zod';

/**
 * A time as requests say it. In the form that databases read, too: some take no year 0, nor a clock that is 16 hours away; both are
 * asked of the time that is meant, since it may be in another year than what is written.
 */
export const time = z.iso
  .datetime({ offset: true })
  .refine((text) => /^(?!0000)\d{4}-/.test(new Date(text).toJSON() ?? ''), 'is no time')
  .overwrite((text) => new Date(text).toJSON() ?? text);
