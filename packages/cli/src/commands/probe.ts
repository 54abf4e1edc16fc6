import {
  formatImageLocation,
  imageForPlatform,
  machinePlatform,
  machineSandbox,
  mended,
  openImage,
  outputAt,
  type ProbeReport,
  parseImageLocation,
  probeImage,
  Workshop,
} from '@mir/builder';
import { parsePlatform } from '@mir/core';
import { usageFault } from '../fault-message.ts';
import { nextStep } from '../next-step.ts';
import { probeOptions, probeRequest } from '../probe-options.ts';
import { probeLines, stepAfterFailure } from '../probe-report.ts';
import type { Command, Invocation } from './commands.ts';

export const probe: Command = {
  options: {
    ...probeOptions,
    package: { type: 'string', short: 'p', multiple: true },
    platform: { type: 'string' },
    json: { type: 'boolean' },
  },
  run,
  help: `
Proves an image in a sandbox, without network or credentials: its Python starts, every requirement of what is installed is
met, the packages can be imported (each module in a process of its own, with time and memory), console scripts can be
loaded, and a smoke command of yours succeeds.

Usage: mir probe IMAGE [OPTIONS]

IMAGE is NAME:TAG of the embedded registry, registry://HOST/REPOSITORY:TAG, or oci:DIRECTORY:NAME. What is imported are the
packages that no other one requires.

  -p, --package NAME         Import this package instead; may be given several times
      --module-skip NAME     Do not import this module, nor scripts that would; may be given several times
      --smoke COMMAND        A command line that must end with status 0 (run by the image's /bin/sh)
      --platform PLATFORM    Of an index, the image for linux/amd64 or linux/arm64 (default: this machine's)
      --json                 One JSON object

Exit status: 0 passed, 1 failed, 3 not probed (no sandbox on this machine, or none for the image's platform).

Examples:
  mir probe team/fraud:1
  mir probe team/fraud:1 --module-skip tkinter_app --smoke 'python -c "import lightgbm; lightgbm.Dataset"'`,
};

const statuses: Readonly<Record<ProbeReport['outcome'], number>> = { passed: 0, failed: 1, 'not-probed': 3 };

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0) throw usageFault('Name one image', 'For example: mir probe team/fraud:1');
  const platform = values.text('platform');
  const requested = values.texts('package');
  await using workshop = await Workshop.open({ environment, now: () => new Date() });
  const location = parseImageLocation(name);
  const report = await mended(workshop, async () => {
    const opened = await openImage(workshop, location);
    const image = imageForPlatform(opened, platform === undefined ? machinePlatform() : parsePlatform(platform));
    const reference = `${formatImageLocation(location)}@${image.digest}`;
    return probeImage(
      workshop,
      await machineSandbox(workshop),
      { image, blobs: opened.blobs, reference },
      {
        ...probeRequest(values),
        ...(requested.length > 0 && { requested }),
      },
    );
  });
  if (values.has('json')) {
    process.stdout.write(`${JSON.stringify({ type: 'probe', name, ...report })}\n`);
    return statuses[report.outcome];
  }
  const output = outputAt(location);
  const step =
    report.outcome === 'failed'
      ? [stepAfterFailure(report)]
      : report.outcome === 'passed' && output !== undefined
        ? [nextStep(output, name.replace(/^registry:\/\//, ''))]
        : [];
  process.stdout.write(`${[...probeLines(report), ...step].join('\n')}\n`);
  return statuses[report.outcome];
}
