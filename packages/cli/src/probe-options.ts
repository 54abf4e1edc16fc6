import type { ProbeRequest } from '@mir/builder';
import type { OptionTable, OptionValues } from './options.ts';

/** The options that say how to probe; `probe` and `build --probe` share them. */
export const probeOptions = {
  'module-skip': { type: 'string', multiple: true },
  smoke: { type: 'string' },
} as const satisfies OptionTable;

/** What these options ask for. */
export function probeRequest(values: OptionValues): Pick<ProbeRequest, 'skipModules' | 'smokeCommand'> {
  const smoke = values.text('smoke');
  return {
    skipModules: values.texts('module-skip'),
    ...(smoke !== undefined && { smokeCommand: ['/bin/sh', '-c', smoke] }),
  };
}
