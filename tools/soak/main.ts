/**
 * `./mir soak`: the long forms of tests whose short forms `./mir test` runs.
 *
 *   ./mir soak kill --builds 100 --seed 1          builds killed with -9 at random moments, each then built again
 *   ./mir soak instance --changes 200 --seed 1     server, worker and database of an instance killed while it is asked for changes
 *   ./mir soak together --processes 10 --rounds 5  processes that build overlapping specs in one home at once
 *   ./mir soak upload --megabytes 700              a layer streamed to a registry that cuts the connection
 */
import { uploadLarge } from '../../packages/oci/test/large-upload.ts';
import { cleanupOf } from '../../test/support/cleanup.ts';
import { warmHome } from '../../test/support/home.ts';
import { killInstance } from '../../test/support/instance-killing.ts';
import { killBuilds } from '../../test/support/killing.ts';
import { buildOverlapping } from '../../test/support/overlapping-specs.ts';
import { buildTogether } from '../../test/support/together.ts';
import { readWords } from '../words.ts';

const { positionals, values } = readWords(import.meta.filename, {
  allowPositionals: true,
  options: {
    builds: { type: 'string', default: '100' },
    changes: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    megabytes: { type: 'string', default: '700' },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const endings: (() => Promise<void>)[] = [];
const cleanup = cleanupOf({ after: (work) => void endings.push(work) });
const startedAt = performance.now();

const counts = [values.builds, values.changes, values.processes, values.rounds, values.megabytes].map(Number);

try {
  const [what] = positionals;
  if (
    !counts.every((count) => Number.isSafeInteger(count) && count > 0) ||
    !Number.isSafeInteger(Number(values.seed))
  ) {
    // A soak of no rounds would be a success.
    usage();
  } else if (what === 'kill') {
    const template = await warmHome(cleanup);
    const report = await killBuilds({
      template,
      specs: await buildOverlapping(template, 8, cleanup),
      kills: Number(values.builds),
      seed: Number(values.seed),
      cleanup,
      tell: say,
    });
    say(
      `${report.kills} builds were killed in ${report.homes} homes (${report.wereOver} were over before): each was right when built again, nothing was left over.`,
    );
  } else if (what === 'instance') {
    const report = await killInstance({
      home: await warmHome(cleanup),
      changes: Number(values.changes),
      seed: Number(values.seed),
      cleanup,
      tell: say,
    });
    say(
      `${report.acknowledged} changes were acknowledged, ${report.unanswered} were not answered, ${report.kills} processes were killed: what was acknowledged is there, every build has ended, ${report.images} images are READY, nothing is left over.`,
    );
  } else if (what === 'together') {
    const template = await warmHome(cleanup);
    const specs = await buildOverlapping(template, Number(values.processes), cleanup);
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      await buildTogether(template, specs, cleanup);
      say(
        `${round}/${values.rounds}  ${values.processes} processes: every digest right, every wheel fetched once, no file torn`,
      );
    }
  } else if (what === 'upload') {
    const { peakMegabytes, seconds, begun } = await uploadLarge(Number(values.megabytes));
    say(
      `${values.megabytes} MB in ${seconds.toFixed(1)} s, begun ${begun} times: every byte was right, and the process never held more than ${peakMegabytes} MB`,
    );
  } else {
    usage();
  }
  say(`${Math.round((performance.now() - startedAt) / 1000)} s`);
} finally {
  for (const end of endings) await end();
}

function usage(): void {
  process.stderr.write(
    'Usage: ./mir soak kill [--builds 100] [--seed 1] | ./mir soak instance [--changes 200] [--seed 1] | ./mir soak together [--processes 10] [--rounds 5] | ./mir soak upload [--megabytes 700]\n',
  );
  process.exitCode = 2;
}
