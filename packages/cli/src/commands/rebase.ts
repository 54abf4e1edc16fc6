import {
  checkOutput,
  type Delivered,
  deliverRebase,
  formatImageLocation,
  type ImageLocation,
  mended,
  type Output,
  openImage,
  outputAt,
  parseImageLocation,
  parseOutput,
  type Rebase,
  rebaseOpened,
  Workshop,
} from '@mir/builder';
import { usageFault } from '../fault-message.ts';
import { nextStep } from '../next-step.ts';
import { ProgressDisplay } from '../progress-display.ts';
import { bytes, counted, seconds } from '../quantity.ts';
import { table } from '../table.ts';
import type { Command, Invocation } from './commands.ts';

export const rebase: Command = {
  options: {
    base: { type: 'string' },
    tag: { type: 'string', short: 't' },
    output: { type: 'string', short: 'o' },
    json: { type: 'boolean' },
  },
  run,
  help: `
Puts an image on another base, for example on the same Debian release with today's security fixes. The layers of its Python
packages stay as they are and are not even read; what belongs to the base (OS packages, the links to its Python, the lock)
is made anew. The result is the image that a build of the same lock on that base gives. Where the base does not keep
what the image needs (platform, Python X.Y, C library, system libraries, Debian release), nothing is changed and every
reason is told.

Usage: mir rebase IMAGE --base BASE [OPTIONS]

IMAGE is NAME:TAG of the embedded registry, registry://HOST/REPOSITORY:TAG, or oci:DIRECTORY:NAME; of an index
over several platforms, each image is rebased.

      --base BASE            debian:bookworm and so on (as the archive has it now), or any image with a
                             Python: oci:REGISTRY/REPOSITORY:TAG
  -t, --tag NAME[:TAG]       Under another name; without it, the image's own name and tag move
  -o, --output OUTPUT        As for mir build; without it, to where the image came from
      --json                 One JSON object a line, the last one with "digest"

Examples:
  mir rebase team/fraud:1 --base debian:bookworm
  mir rebase registry://127.0.0.1:5000/team/fraud:1 --base oci:127.0.0.1:5000/bases/python:3.11 -t team/fraud:2`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0)
    throw usageFault('Name one image', 'For example: mir rebase team/fraud:1 --base debian:bookworm');
  const base = values.text('base');
  if (base === undefined)
    throw usageFault('The new base is not named', `For example: mir rebase ${name} --base debian:bookworm`);
  const location = parseImageLocation(name);
  const output = outputFor(location, values.text('tag'), values.text('output'));
  await checkOutput(output);
  const wantsJson = values.has('json');
  const display = new ProgressDisplay(wantsJson);
  await using workshop = await Workshop.open({ environment, now: () => new Date(), onProgress: display.listen });
  const { opened, made, delivered } = await mended(workshop, async () => {
    const opened = await openImage(workshop, location);
    const made = await rebaseOpened(workshop, opened, base);
    return { opened, made, delivered: await deliverRebase(workshop, made, output) };
  });
  await workshop.layerPool?.settle();
  display.end();
  process.stdout.write(
    wantsJson
      ? `${JSON.stringify(summaryOf(made, opened.digest, delivered, display))}\n`
      : `${[...reportLines(made, opened.digest, delivered, display), nextStep(output, delivered.name)].join('\n')}\n`,
  );
  return 0;
}

function outputFor(location: ImageLocation, tag: string | undefined, output: string | undefined): Output {
  const own = outputAt(location);
  if (output !== undefined) {
    const name = tag ?? nameOf(own);
    if (name !== undefined) return parseOutput(name, output);
  } else if (tag === undefined) {
    if (own !== undefined) return own;
  } else {
    const renamed = parseOutput(tag, undefined);
    if (renamed.kind === 'embedded') return renamedAt(location, renamed.repository, renamed.tag);
  }
  throw usageFault(
    `${formatImageLocation(location)} has no tag that could move`,
    'Name the result with -t NAME[:TAG], for example -t team/fraud:2.',
  );
}

function renamedAt(location: ImageLocation, repository: string, tag: string): Output {
  if (location.kind === 'oci') return { kind: 'oci', directory: location.directory, name: `${repository}:${tag}` };
  if (location.kind === 'embedded') return { kind: 'embedded', repository, tag };
  return { kind: 'registry', registry: location.registry, repository, tag };
}

function nameOf(output: Output | undefined): string | undefined {
  if (output === undefined) return undefined;
  return 'name' in output ? output.name : `${output.repository}:${output.tag}`;
}

function reportLines(made: Rebase, before: string, delivered: Delivered, display: ProgressDisplay): string[] {
  const rows = made.images.flatMap(({ own, base, lock }) => [
    [
      '  from',
      `${own.baseName} ${own.system.base.digest.slice(0, 19)}  (${base.platform}, Python ${own.target.pythonVersion})`,
    ],
    ['  to', `${base.name} ${base.digest.slice(0, 19)}  (${base.platform}, Python ${base.target.pythonVersion})`],
    [
      '  kept',
      `${counted(own.packageLayers.length, 'layer')} of Python packages, ${bytes(keptBytes(own.packageLayers))}`,
    ],
    ...(lock.osPackages.length > 0 ? [['  anew', counted(lock.osPackages.length, 'OS package')]] : []),
  ]);
  return [
    `${before === made.digest ? 'Already on this base:' : 'Rebased'} ${delivered.name}`,
    table([
      ['  digest', made.digest],
      ...rows,
      ['  time', `${seconds(display.elapsedSeconds)}; ${bytes(delivered.sentBytes)} pushed`],
    ]),
  ];
}

function summaryOf(made: Rebase, before: string, delivered: Delivered, display: ProgressDisplay) {
  return {
    type: 'image',
    digest: made.digest,
    previous: before,
    name: delivered.name,
    images: made.images.map(({ image, own, base, lock }) => ({
      platform: base.platform,
      digest: image.digest,
      lock: image.config.config?.Labels?.['org.managed-image-registry.lock'],
      base: { name: base.name, digest: base.digest, python: base.target.pythonVersion },
      previousBase: { name: own.baseName, digest: own.system.base.digest, python: own.target.pythonVersion },
      keptLayers: own.packageLayers.length,
      keptBytes: keptBytes(own.packageLayers),
      osPackages: lock.osPackages.map(({ name, version }) => ({ name, version })),
    })),
    sentBytes: delivered.sentBytes,
    seconds: display.elapsedSeconds,
  };
}

function keptBytes(layers: Rebase['images'][number]['own']['packageLayers']): number {
  return layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
}
