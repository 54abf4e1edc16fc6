import { inspectImage, Workshop } from '@mir/builder';
import { usageFault } from '../fault-message.ts';
import { bytes, counted } from '../quantity.ts';
import { table } from '../table.ts';
import type { Command, Invocation } from './commands.ts';

export const inspect: Command = {
  options: { json: { type: 'boolean' }, lock: { type: 'boolean' } },
  run,
  help: `
Shows what an image holds: base, packages, layers. The image is one of the embedded registry, or of any registry.

Usage: mir inspect IMAGE [--lock | --json]

      --lock   Print the image's lock (pylock.toml without addresses)

Examples:
  mir inspect team/fraud:1
  mir inspect registry://127.0.0.1:5000/team/fraud:1 --lock`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0)
    throw usageFault('Name one image', 'For example: mir inspect team/fraud:1');
  await using workshop = await Workshop.open({ environment, now: () => new Date() });
  const found = await inspectImage(workshop, name);
  if (values.has('lock')) {
    process.stdout.write(found.lock ?? '');
    return found.lock === undefined ? 1 : 0;
  }
  if (values.has('json')) {
    process.stdout.write(`${JSON.stringify({ type: 'inspection', ...found })}\n`);
    return 0;
  }
  const size = found.layers.reduce((sum, one) => sum + one.sizeBytes, 0);
  const facts = Object.entries(found.labels).map(([label, value]) => [`  ${label}`, value]);
  const layers = found.layers.map((one) => [
    `  ${one.role}`,
    bytes(one.sizeBytes),
    one.digest.slice(7, 19),
    one.content.length > 70 ? `${one.content.slice(0, 69)}…` : one.content,
  ]);
  const packages = found.packages.map((one) => [`  ${one.name}`, one.version]);
  const lines = [
    `${name}  ${found.platform}  ${bytes(size)}`,
    `  ${found.digest}`,
    ...(facts.length > 0 ? ['', table(facts)] : []),
    '',
    counted(found.layers.length, 'layer'),
    table(layers, [1]),
    ...(packages.length > 0 ? ['', counted(packages.length, 'Python package'), table(packages)] : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}
