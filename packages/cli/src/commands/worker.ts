import { readSettings, startWorker } from '@mir/server';
import { refusePositionals } from '../options.ts';
import { untilAsked } from '../signals.ts';
import type { Command, Invocation } from './commands.ts';

export const worker: Command = {
  options: { config: { type: 'string' } },
  run,
  help: `
Takes builds from the queue of an instance. The server starts one itself; more of them, here or on other
machines, need its DATABASE_URL and the same settings.

Usage: mir worker [OPTIONS]

      --config FILE   Settings, as docs/settings.md describes them (MIR_CONFIG)

Told to stop (SIGTERM, Ctrl-C), it finishes a build that is nearly done and gives the others back; killed,
its builds are taken up by another worker within half a minute.

Examples:
  DATABASE_URL=postgresql://… mir worker`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('worker', positionals);
  const file = values.text('config');
  const settings = readSettings(environment, file === undefined ? {} : { file });
  await using _running = await startWorker({ settings, environment });
  await untilAsked();
  return 0;
}
