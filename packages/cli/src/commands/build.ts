import { writeFile } from 'node:fs/promises';
import {
  buildImage,
  bytesShared,
  checkOutput,
  Delivery,
  lockFile,
  makePlan,
  mended,
  type Output,
  parseOutput,
  requireWritablePath,
  Workshop,
} from '@mir/builder';
import { buildLines } from '../build-report.ts';
import { usageFault } from '../fault-message.ts';
import { imageOptions, imageOptionsHelp, readImageSpec, workshopOptions } from '../image-options.ts';
import { ProgressDisplay } from '../progress-display.ts';
import type { Command, Invocation } from './commands.ts';

export const build: Command = {
  options: {
    ...imageOptions,
    tag: { type: 'string', short: 't' },
    output: { type: 'string', short: 'o' },
    'lock-out': { type: 'string' },
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
      --lock-out FILE      Write the lock (pylock.toml) there
      --json               One JSON object a line, the last one with "digest"

Examples:
  mir build -r requirements.txt --python 3.11 --os-package libgomp1 -t team/fraud:1
  mir build -p 'pandas<3' -t try -o docker-archive:try.tar && docker load -i try.tar
  mir build --lock pylock.toml -t team/fraud:1 -o registry://127.0.0.1:5000/team/fraud`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const output = outputOf(values.text('tag'), values.text('output'));
  await checkOutput(output);
  const lockOut = values.text('lock-out');
  if (lockOut !== undefined) await requireWritablePath(lockOut, 'file');
  const spec = await readImageSpec(values, positionals);
  const wantsJson = values.has('json');
  const display = new ProgressDisplay(wantsJson);
  await using workshop = await Workshop.open({
    environment,
    now: () => new Date(),
    onProgress: display.listen,
    ...workshopOptions(values),
  });
  const { plan, built, delivered } = await mended(workshop, async () => {
    const plan = await makePlan(workshop, spec, { startsWheels: true });
    await using delivery = new Delivery(workshop, output, plan.base);
    const built = await buildImage(workshop, plan, delivery.offer);
    // Before anything becomes visible: a lock that cannot be written fails the build.
    if (lockOut !== undefined) await writeFile(lockOut, lockFile(plan));
    const delivered = await delivery.complete(built.image);
    await workshop.layerPool?.settle();
    return { plan, built, delivered };
  });
  const problems = [...built.problems, ...workshop.problems];
  display.end();
  if (wantsJson) {
    const summary = {
      type: 'image',
      digest: built.image.digest,
      name: delivered.name,
      lock: plan.digest,
      layers: built.image.layers.map(({ descriptor, diffId }) => ({ ...descriptor, diffId })),
      seconds: display.elapsedSeconds,
      receivedBytes: display.receivedBytes,
      sharedBytes: bytesShared(plan),
      sentBytes: delivered.sentBytes,
      problems,
    };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return 0;
  }
  process.stdout.write(
    `${[...buildLines(plan, { ...built, problems }, delivered, display), nextStep(output, delivered.name)].join('\n')}\n`,
  );
  return 0;
}

function outputOf(tag: string | undefined, output: string | undefined): Output {
  if (tag === undefined)
    throw usageFault('The image has no name', 'Name it with -t NAME[:TAG], for example -t team/fraud:1.');
  return parseOutput(tag, output);
}

function nextStep(output: Output, name: string): string {
  switch (output.kind) {
    case 'embedded':
      return `Next: mir registry serve --listen 127.0.0.1:5000, then docker pull 127.0.0.1:5000/${name}`;
    case 'oci':
      return `Next: skopeo copy oci:${output.directory}:${output.name} DESTINATION`;
    case 'docker-archive':
      return `Next: docker load -i ${output.file}`;
    case 'registry':
      return `Next: docker pull ${name}`;
  }
}
