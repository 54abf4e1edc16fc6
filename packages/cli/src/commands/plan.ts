import { writeFile } from 'node:fs/promises';
import {
  bytesShared,
  bytesToMove,
  inspectPlan,
  lockFile,
  makePlan,
  mended,
  requireWritablePath,
  Workshop,
} from '@mir/builder';
import { imageOptions, imageOptionsHelp, readImageSpec, workshopOptions } from '../image-options.ts';
import { planLines, problemLines } from '../plan-report.ts';
import { ProgressDisplay } from '../progress-display.ts';
import { seconds } from '../quantity.ts';
import type { Command, Invocation } from './commands.ts';

export const plan: Command = {
  options: { ...imageOptions, 'lock-out': { type: 'string' }, quick: { type: 'boolean' } },
  run,
  help: `
Says what a build would do: exact versions, bytes to move, what is there already, collisions, missing
system libraries. Makes no image. To look for collisions and missing libraries it fetches what is not here
yet, and keeps it for the build.

Usage: mir plan -r requirements.txt [OPTIONS]
${imageOptionsHelp}

Output:
      --quick              Versions and sizes only: fetch no package (a base that is missing is made)
      --lock-out FILE      Write the lock (pylock.toml) there, for mir build --lock
      --json               One JSON object a line, the last one the plan

Examples:
  mir plan -r requirements.txt --python 3.11
  mir plan -p opencv-python -p 'numpy<2' --os-package libgl1
  mir plan -r requirements.txt --lock-out pylock.toml`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const lockOut = values.text('lock-out');
  if (lockOut !== undefined) await requireWritablePath(lockOut, 'file');
  const spec = await readImageSpec(values, positionals);
  const display = new ProgressDisplay(values.has('json'));
  await using workshop = await Workshop.open({
    environment,
    now: () => new Date(),
    onProgress: display.listen,
    ...workshopOptions(values),
  });
  const { made, found } = await mended(workshop, async () => {
    const made = await makePlan(workshop, spec);
    return { made, found: values.has('quick') ? [] : await inspectPlan(workshop, made) };
  });
  await workshop.layerPool?.settle();
  const problems = [...made.problems, ...found, ...workshop.problems];
  display.end();
  if (lockOut !== undefined) await writeFile(lockOut, lockFile(made));
  if (values.has('json')) {
    const { base, lock, items, digest } = made;
    const summary = {
      type: 'plan',
      lock: digest,
      base: { name: base.name, digest: base.image.digest, platform: base.platform, python: base.target.pythonVersion },
      packages: lock.python.packages.length,
      items,
      bytesToMove: bytesToMove(made),
      bytesShared: bytesShared(made),
      problems,
    };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
  } else {
    const lines = [...planLines(made), ...problemLines(problems), '', `Planned in ${seconds(display.elapsedSeconds)}.`];
    lines.push(
      lockOut === undefined
        ? 'Next: mir build with the same options and -t NAME.'
        : `Next: mir build --lock ${lockOut} -t NAME`,
    );
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  return problems.some(({ severity }) => severity === 'error') ? 1 : 0;
}
