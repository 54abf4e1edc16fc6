import {
  buildImages,
  checkOutput,
  Delivery,
  machineSandbox,
  makePlans,
  mended,
  type Output,
  type ProbeReport,
  parseOutput,
  prepareForNewPins,
  probeImages,
  Workshop,
} from '@mir/builder';
import { Fault, isFault } from '@mir/core';
import type { Sandbox } from '@mir/sandbox';
import { buildJson, buildLines } from '../build-report.ts';
import { usageFault } from '../fault-message.ts';
import { imageOptions, imageOptionsHelp, readImageSpecs, workshopOptions } from '../image-options.ts';
import { checkLockPaths, writeLocks } from '../lock-files.ts';
import { nextStep } from '../next-step.ts';
import { probeOptions, probeRequest } from '../probe-options.ts';
import { probeLines, stepAfterFailure } from '../probe-report.ts';
import { ProgressDisplay } from '../progress-display.ts';
import type { Command, Invocation } from './commands.ts';

export const build: Command = {
  options: {
    ...imageOptions,
    tag: { type: 'string', short: 't' },
    output: { type: 'string', short: 'o' },
    'lock-out': { type: 'string' },
    probe: { type: 'boolean' },
    ...probeOptions,
  },
  run,
  help: `
Builds an image and puts it where -o says; without -o into the embedded registry.

Usage: mir build -r requirements.txt -t NAME[:TAG] [OPTIONS]
${imageOptionsHelp}

Output:
  -t, --tag NAME[:TAG]     Repository and tag of the image, team/fraud:1
  -o, --output OUTPUT      oci:DIRECTORY               an OCI image layout
                           docker-archive:FILE         for docker load
                           registry://HOST/REPOSITORY  a registry; plain http on loopback only,
                                                       credentials as docker login left them
      --lock-out FILE      Write the lock (pylock.toml) there; of several platforms one each,
                           pylock.linux-arm64.toml
      --json               One JSON object a line, the last one with "digest"

Examples:
  mir build -r requirements.txt --python 3.11 --os-package libgomp1 -t team/fraud:1
  mir build -p 'pandas<3' -t try -o docker-archive:try.tar && docker load -i try.tar
  mir build --lock pylock.toml -t team/fraud:1 -o registry://127.0.0.1:5000/team/fraud
  mir build -r requirements.txt --platform linux/amd64 --platform linux/arm64 -t team/fraud:1`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const output = outputOf(values.text('tag'), values.text('output'));
  const specs = await readImageSpecs(values, positionals);
  await checkOutput(output, specs.length);
  const lockOut = values.text('lock-out');
  await checkLockPaths(
    lockOut,
    specs.map(({ platform }) => platform),
  );
  const wantsJson = values.has('json');
  const wantsProbe = values.has('probe');
  if (!wantsProbe && (values.text('smoke') !== undefined || values.texts('module-skip').length > 0))
    throw usageFault('--smoke and --module-skip say how to probe, and no probe is asked for', 'Add --probe.');
  const display = new ProgressDisplay(wantsJson);
  await using workshop = await Workshop.open({
    environment,
    now: () => new Date(),
    onProgress: display.listen,
    ...workshopOptions(values),
  });
  const sandbox = wantsProbe ? await requireSandbox(workshop) : undefined;
  const { built, delivered, reports } = await mended(workshop, async () => {
    await prepareForNewPins(workshop, specs);
    await using delivery = new Delivery(workshop, output);
    const plans = await makePlans(workshop, specs, { startsWheels: true });
    delivery.expectBases(plans.map(({ base }) => base));
    const built = await buildImages(workshop, plans, delivery.offer);
    const reports =
      sandbox === undefined
        ? []
        : await workshop.stage('probe', () => probeImages(workshop, sandbox, built, probeRequest(values)));
    if (reports.some(({ outcome }) => outcome === 'failed')) return { built, delivered: undefined, reports };
    // Before anything becomes visible: a lock that cannot be written fails the build.
    await writeLocks(lockOut, plans);
    const delivered = await delivery.complete(built.published);
    await workshop.layerPool?.settle();
    return { built, delivered, reports };
  });
  display.end();
  if (delivered === undefined) return tellFailure(reports, wantsJson);
  const proof = reports.flatMap(probeLines);
  process.stdout.write(
    wantsJson
      ? `${buildJson(built, workshop.problems, delivered, display, reports)}\n`
      : `${[...proof, ...buildLines(built, workshop.problems, delivered, display), nextStep(output, delivered.name)].join('\n')}\n`,
  );
  return 0;
}

/** Whoever asks for a proof is not given an image without one, because a machine cannot prove any. */
async function requireSandbox(workshop: Workshop): Promise<Sandbox> {
  const sandbox = await machineSandbox(workshop);
  if (!isFault(sandbox)) return sandbox;
  throw new Fault(sandbox.code, {
    what: `${sandbox.message}; without it nothing can be probed`,
    ...(sandbox.subject !== undefined && { subject: sandbox.subject }),
    hint: `${sandbox.hint.replace(/\.?$/, '.')} Or build without --probe.`,
  });
}

function tellFailure(reports: readonly ProbeReport[], wantsJson: boolean): number {
  const failed = reports.find(({ outcome }) => outcome === 'failed');
  const lines = wantsJson
    ? reports.map((report) => JSON.stringify({ type: 'probe', ...report }))
    : [
        ...reports.flatMap(probeLines),
        'The image got no tag.',
        ...(failed === undefined ? [] : [stepAfterFailure(failed)]),
      ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return 1;
}

function outputOf(tag: string | undefined, output: string | undefined): Output {
  if (tag === undefined)
    throw usageFault('The image has no name', 'Name it with -t NAME[:TAG], for example -t team/fraud:1.');
  return parseOutput(tag, output);
}
