import { archiveSettingsOfMachine, pythonOfSuite, suites } from '@mir/debian';
import { refusePositionals } from '../options.ts';
import { table } from '../table.ts';
import type { Command, Invocation } from './commands.ts';

export const bases: Command = {
  options: { json: { type: 'boolean' } },
  run,
  help: `
Lists the bases that images can be built on.

Usage: mir bases [--json]

Besides those listed, any image that holds a Python 3.8 or newer is a base: --base oci:REGISTRY/REPOSITORY:TAG.`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('bases', positionals);
  const known = await Promise.all(
    suites.map(async (suite) => ({
      name: `debian:${suite}`,
      python: pythonOfSuite(suite),
      isDefault: suite === 'bookworm',
      archive: (await archiveSettingsOfMachine(suite, environment))?.sources[0]?.uri,
    })),
  );
  if (values.has('json')) {
    process.stdout.write(`${JSON.stringify({ type: 'bases', bases: known })}\n`);
    return 0;
  }
  const rows = known.map((one) => [
    `  ${one.name}`,
    `Python ${one.python}`,
    one.archive === undefined ? 'no archive is known' : `from ${one.archive}`,
    one.isDefault ? 'default' : '',
  ]);
  const lines = [table(rows), '', 'And any image with a Python 3.8 or newer: oci:REGISTRY/REPOSITORY:TAG'];
  lines.push(
    known.some(({ archive }) => archive === undefined)
      ? 'Next: set MIR_DEBIAN_ARCHIVE to the address of a Debian mirror.'
      : 'Next: mir build -r requirements.txt --base debian:bookworm -t NAME',
  );
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}
