import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { measure } from './measurement.ts';
import { run } from './program.ts';
import { type Stage, versions } from './stage.ts';
import { formatTable, shownRatio, shownSeconds } from './table.ts';

/**
 * A Debian base with Python: ours from nothing (indexes, packages, standard library compiled), ours again, and mmdebstrap, which
 * has no warm case. Ours is an image in a store at the end, mmdebstrap's an uncompressed archive.
 */
export async function benchDebianBase(stage: Stage, runs: number, say: (line: string) => void): Promise<string> {
  const home = join(stage.folder, 'debian-home');
  const log = join(stage.folder, 'debian.log');
  const tar = join(stage.folder, 'debian.tar');
  const ours = () =>
    run(join(stage.root, 'mir'), ['bases', 'make', `debian:${versions.suite}`], {
      log,
      environment: { MIR_HOME: home },
    });
  const seconds = { cold: [] as number[], warm: [] as number[], mmdebstrap: [] as number[] };
  const time = async (who: keyof typeof seconds, work: () => Promise<void>) => {
    const { wallSeconds, load } = await measure(work);
    seconds[who].push(wallSeconds);
    say(`debian ${who}: ${wallSeconds.toFixed(2)} s (load ${load})`);
  };
  for (let turn = 0; turn < runs; turn++) {
    await rm(home, { recursive: true, force: true });
    await time('cold', ours);
    await time('warm', ours);
    await rm(tar, { force: true });
    const include = '--include=python3,ca-certificates';
    await time('mmdebstrap', () =>
      run('mmdebstrap', ['-q', '--variant=minbase', include, versions.suite, tar], { log }),
    );
  }
  return [
    `./mir bench --case debian --runs ${runs}`,
    '',
    formatTable(
      ['who', 'seconds, median (range)', 'ours is faster by'],
      [
        ['mir, from nothing', shownSeconds(seconds.cold), ''],
        ['mir, again', shownSeconds(seconds.warm), ''],
        [
          'mmdebstrap',
          shownSeconds(seconds.mmdebstrap),
          `${shownRatio(seconds.cold, seconds.mmdebstrap)} and ${shownRatio(seconds.warm, seconds.mmdebstrap)}`,
        ],
      ],
    ),
  ].join('\n');
}
