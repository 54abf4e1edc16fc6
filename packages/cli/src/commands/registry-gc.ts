import { sweepLeftovers, Workshop } from '@mir/builder';
import { collectGarbage } from '@mir/oci';
import { refusePositionals } from '../options.ts';
import { bytes, counted } from '../quantity.ts';
import type { Command, Invocation } from './commands.ts';

export const registryGc: Command = {
  options: { 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } },
  run,
  help: `
Removes blobs that no image of the embedded registry and no known layer needs, and what interrupted builds
left behind. Safe beside running builds: what was written within the last hour stays.

Usage: mir registry gc [--dry-run] [--json]

      --dry-run   Only say what would be removed

To give up the layers that are kept for coming builds too: mir cache clear, then mir registry gc.`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('registry gc', positionals);
  await using workshop = await Workshop.open({ environment, now: () => new Date() });
  const dryRun = values.has('dry-run');
  const collected = await collectGarbage(workshop.repositories, { dryRun, keep: workshop.layers.recordedDigests() });
  const leftovers = await sweepLeftovers(workshop.home, { dryRun });
  const report = { ...collected, unfinishedFiles: collected.unfinishedFiles + leftovers };
  if (values.has('json')) {
    process.stdout.write(`${JSON.stringify({ type: 'garbage', dryRun, ...report })}\n`);
    return 0;
  }
  const verb = dryRun ? 'Would remove' : 'Removed';
  const unfinished = report.unfinishedFiles === 0 ? '' : ` and ${counted(report.unfinishedFiles, 'unfinished file')}`;
  const lines = [
    `${verb} ${counted(report.blobs, 'blob')}, ${bytes(report.bytes)}${unfinished}.`,
    `${counted(report.neededBlobs, 'blob')}, ${bytes(report.neededBytes)}, ${report.neededBlobs === 1 ? 'is' : 'are'} needed by images or known layers.`,
    ...(report.youngBlobs === 0
      ? []
      : [
          `${counted(report.youngBlobs, 'blob')}, ${bytes(report.youngBytes)}, ${report.youngBlobs === 1 ? 'is' : 'are'} needed by nothing, but younger than an hour.`,
        ]),
  ];
  if (dryRun && report.blobs > 0) lines.push('Next: mir registry gc');
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}
