import { join } from 'node:path';
import type { ProbeRequest, Workshop } from '@mir/builder';
import type { Fault } from '@mir/core';
import { checkLocalSandbox, openLocalSandbox, type Sandbox } from '@mir/sandbox';
import type { OptionTable, OptionValues } from './options.ts';

/** The sandbox of this machine, or the fault that says why there is none. */
export async function machineSandbox({ home, environment }: Workshop): Promise<Sandbox | Fault> {
  const lacking = await checkLocalSandbox(environment);
  return lacking ?? openLocalSandbox({ folder: join(home.cache, 'sandbox'), environment });
}

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
