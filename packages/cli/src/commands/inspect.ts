import { type ImageInspection, type IndexInspection, inspectImage, Workshop } from '@mir/builder';
import { parsePlatform } from '@mir/core';
import { usageFault } from '../fault-message.ts';
import { bytes, counted } from '../quantity.ts';
import { table } from '../table.ts';
import type { Command, Invocation } from './commands.ts';

export const inspect: Command = {
  options: { json: { type: 'boolean' }, lock: { type: 'boolean' }, platform: { type: 'string' } },
  run,
  help: `
Shows what an image holds: base, packages, layers. The image is one of the embedded registry, of any registry, or of an
OCI image layout. Of an index over several platforms it shows what it lists, or one of its images.

Usage: mir inspect IMAGE [--platform PLATFORM] [--lock | --json]

      --lock                 Print the image's lock (pylock.toml without addresses)
      --platform PLATFORM    linux/amd64 or linux/arm64: the image of an index for this platform

Examples:
  mir inspect team/fraud:1
  mir inspect team/fraud:1 --platform linux/arm64
  mir inspect registry://127.0.0.1:5000/team/fraud:1 --lock
  mir inspect oci:images:team/fraud:1`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0)
    throw usageFault('Name one image', 'For example: mir inspect team/fraud:1');
  const platform = values.text('platform');
  await using workshop = await Workshop.open({ environment, now: () => new Date() });
  const found = await inspectImage(workshop, name, platform === undefined ? undefined : parsePlatform(platform));
  if (values.has('lock')) {
    if (found.kind === 'index') throw usageFault(`${name} holds several images`, choice(name, found));
    process.stdout.write(found.lock ?? '');
    return found.lock === undefined ? 1 : 0;
  }
  const lines = found.kind === 'index' ? indexLines(name, found) : imageLines(name, found);
  process.stdout.write(`${values.has('json') ? inspectionJson(found) : lines.join('\n')}\n`);
  return 0;
}

function inspectionJson(found: ImageInspection | IndexInspection): string {
  const { kind, ...rest } = found;
  return JSON.stringify({ type: kind === 'index' ? 'index' : 'inspection', ...rest });
}

function indexLines(name: string, { digest, images }: IndexInspection): string[] {
  const rows = images.map((one) => [
    `  ${one.platform}`,
    counted(one.layers, 'layer'),
    bytes(one.sizeBytes),
    one.digest,
  ]);
  const next = images[0] === undefined ? [] : ['', `Next: mir inspect ${name} --platform ${images[0].platform}`];
  return [`${name}  index of ${counted(images.length, 'platform')}`, `  ${digest}`, '', table(rows, [2]), ...next];
}

function imageLines(name: string, found: ImageInspection): string[] {
  const size = found.layers.reduce((sum, one) => sum + one.sizeBytes, 0);
  const facts = Object.entries(found.labels).map(([label, value]) => [`  ${label}`, value]);
  const layers = found.layers.map((one) => [
    `  ${one.role}`,
    bytes(one.sizeBytes),
    one.digest.slice(7, 19),
    one.content.length > 70 ? `${one.content.slice(0, 69)}…` : one.content,
  ]);
  const packages = found.packages.map((one) => [`  ${one.name}`, one.version]);
  return [
    `${name}  ${found.platform}  ${bytes(size)}`,
    `  ${found.digest}`,
    ...(facts.length > 0 ? ['', table(facts)] : []),
    '',
    counted(found.layers.length, 'layer'),
    table(layers, [1]),
    ...(packages.length > 0 ? ['', counted(packages.length, 'Python package'), table(packages)] : []),
  ];
}

function choice(name: string, { images }: IndexInspection): string {
  return `Choose one: mir inspect ${name} --lock --platform ${images[0]?.platform ?? 'linux/amd64'}.`;
}
