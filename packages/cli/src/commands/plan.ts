import {
  bytesShared,
  bytesToMove,
  inspectPlan,
  makePlans,
  mended,
  type Plan,
  type Problem,
  Workshop,
} from '@mir/builder';
import { imageOptions, imageOptionsHelp, readImageSpecs, workshopOptions } from '../image-options.ts';
import { checkLockPaths, writeLocks } from '../lock-files.ts';
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
      --lock-out FILE      Write the lock (pylock.toml) there, for mir build --lock; of several platforms
                           one each, pylock.linux-arm64.toml
      --json               One JSON object a line, the last ones the plans, one for each platform

Examples:
  mir plan -r requirements.txt --python 3.11
  mir plan -p opencv-python -p 'numpy<2' --os-package libgl1
  mir plan -r requirements.txt --lock-out pylock.toml`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const lockOut = values.text('lock-out');
  const specs = await readImageSpecs(values, positionals);
  await checkLockPaths(
    lockOut,
    specs.map(({ platform }) => platform),
  );
  const display = new ProgressDisplay(values.has('json'));
  await using workshop = await Workshop.open({
    environment,
    now: () => new Date(),
    onProgress: display.listen,
    ...workshopOptions(values),
  });
  const { plans, found } = await mended(workshop, async () => {
    const plans = await makePlans(workshop, specs);
    const found = await Promise.all(
      plans.map(async (made) => ({
        made,
        problems: [...made.problems, ...(values.has('quick') ? [] : await inspectPlan(workshop, made))],
      })),
    );
    return { plans, found };
  });
  await workshop.layerPool?.settle();
  display.end();
  const locks = await writeLocks(lockOut, plans);
  if (values.has('json')) {
    for (const { made, problems } of found) {
      process.stdout.write(`${planJson(made, [...problems, ...workshop.problems])}\n`);
    }
  } else {
    const lines = found.flatMap(({ made, problems }) => [...planLines(made), ...problemLines(problems), '']);
    lines.push(...problemLines(workshop.problems), `Planned in ${seconds(display.elapsedSeconds)}.`);
    lines.push(
      locks.length === 0
        ? 'Next: mir build with the same options and -t NAME.'
        : `Next: mir build ${locks.map((path) => `--lock ${path}`).join(' ')} -t NAME`,
    );
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  return found.some(({ problems }) => problems.some(({ severity }) => severity === 'error')) ? 1 : 0;
}

function planJson(made: Plan, problems: readonly Problem[]): string {
  const { base, lock, items, digest } = made;
  return JSON.stringify({
    type: 'plan',
    lock: digest,
    base: { name: base.name, digest: base.digest, platform: base.platform, python: base.target.pythonVersion },
    packages: lock.python.packages.length,
    items,
    bytesToMove: bytesToMove(made),
    bytesShared: bytesShared(made),
    problems,
  });
}
