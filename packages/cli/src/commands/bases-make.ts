import { arch } from 'node:process';
import { chooseBase, mended, prepareLibraryIndex, startableInterpreter, Workshop } from '@mir/builder';
import { parsePlatform } from '@mir/core';
import { usageFault } from '../fault-message.ts';
import { ProgressDisplay } from '../progress-display.ts';
import { bytes, counted, seconds } from '../quantity.ts';
import { table } from '../table.ts';
import type { Command, Invocation } from './commands.ts';

export const basesMake: Command = {
  options: { platform: { type: 'string' }, json: { type: 'boolean' } },
  run,
  help: `
Makes a base ready before anybody builds on it: a Debian base from the archive's packages, or
an image of a registry, which is read once. The first build on it is then as fast as the next.

Usage: mir bases make BASE [--platform PLATFORM] [--json]

      --platform PLATFORM  linux/amd64 or linux/arm64 (default: this machine's)

Examples:
  mir bases make debian:bookworm
  mir bases make oci:127.0.0.1:5000/python:3.11 --platform linux/arm64`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0)
    throw usageFault('Name one base', 'For example: mir bases make debian:bookworm');
  const platform = parsePlatform(values.text('platform') ?? (arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'));
  const display = new ProgressDisplay(values.has('json'));
  await using workshop = await Workshop.open({ environment, now: () => new Date(), onProgress: display.listen });
  const base = await mended(workshop, async () => {
    const chosen = await workshop.stage('base', () => chooseBase(workshop, { platform, base: name }));
    // Bytecode of packages is compiled by this Python, and missing libraries are looked up in the archive's index.
    await startableInterpreter(await chosen.compiler());
    await prepareLibraryIndex(workshop, chosen);
    return chosen;
  });
  await workshop.layerPool?.settle();
  display.end();
  const { digest, layers } = base.image;
  const sizeBytes = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  if (values.has('json')) {
    const { pythonVersion, libc } = base.target;
    process.stdout.write(
      `${JSON.stringify({ type: 'base', name: base.name, platform, digest, pythonVersion, libc, layers: layers.length, sizeBytes })}\n`,
    );
    return 0;
  }
  const rows = [
    ['  digest', digest],
    ['  holds', `Python ${base.target.pythonVersion}, ${counted(layers.length, 'layer')}, ${bytes(sizeBytes)}`],
    ['  time', seconds(display.elapsedSeconds)],
  ];
  process.stdout.write(
    `${[`${base.name} (${platform}) is ready`, table(rows), `Next: mir build -r requirements.txt --base ${base.name} -t NAME`].join('\n')}\n`,
  );
  return 0;
}
