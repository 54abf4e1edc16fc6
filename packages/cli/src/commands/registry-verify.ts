import { Workshop } from '@mir/builder';
import { verifyContent } from '@mir/oci';
import { refusePositionals } from '../options.ts';
import { bytes, counted } from '../quantity.ts';
import type { Command, Invocation } from './commands.ts';

export const registryVerify: Command = {
  options: { repair: { type: 'boolean' }, json: { type: 'boolean' } },
  run,
  help: `
Reads everything that is stored and says what is not what its digest says, and which images of the embedded
registry lack something. What is read by builds, pushes and pulls is checked anyway; this looks at the rest.

Usage: mir registry verify [--repair] [--json]

      --repair   Set damaged blobs aside: the next build that needs them makes or fetches them anew

The exit status is 1 when something is damaged or missing.`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('registry verify', positionals);
  await using workshop = await Workshop.open({ environment, now: () => new Date() });
  const repair = values.has('repair');
  const report = await verifyContent(workshop.repositories, { repair });
  const isSound = [report.damaged, report.brokenImages, report.brokenTags].every(({ length }) => length === 0);
  if (values.has('json')) {
    process.stdout.write(`${JSON.stringify({ type: 'verification', repair, ...report })}\n`);
    return isSound ? 0 : 1;
  }
  const lines = [
    `Read ${counted(report.blobs, 'blob')}, ${bytes(report.bytes)}: ${report.damaged.length === 0 ? 'all as they should be' : `${counted(report.damaged.length, 'blob')} damaged`}.`,
    ...report.damaged.map(({ digest, sizeBytes }) => `  ${digest}  ${bytes(sizeBytes)}`),
    ...report.brokenImages.map(
      ({ repository, digest, tags, lacks }) =>
        `${tags.length === 0 ? `${repository}@${digest}` : tags.map((tag) => `${repository}:${tag}`).join(', ')} lacks ${counted(lacks.length, 'blob')}`,
    ),
    ...report.brokenTags.map(({ repository, tag }) => `${repository}:${tag} names nothing`),
  ];
  if (!isSound) {
    lines.push(
      repair || report.damaged.length + report.brokenTags.length === 0
        ? 'Next: build these images again; what is missing is made anew, with the same digests.'
        : 'Next: mir registry verify --repair',
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return isSound ? 0 : 1;
}
