/**
 * `./mir bench os-packages`: OS packages added to a base that is known, ours beside `apt-get install` in buildah on the same base; then a table.
 * Both push. First nothing of the packages is here; then they are put onto another base, where what was downloaded for the first is known.
 *
 *   ./mir bench os-packages --runs 3
 *   ./mir bench os-packages --packages ffmpeg --runs 1
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readWords } from '../../tools/words.ts';
import { type Measured, measure } from '../measurement.ts';
import { openStage } from '../stage.ts';
import { formatTable, shownRatio, shownSeconds } from '../table.ts';
import { Apt } from './apt.ts';
import { Ours } from './ours.ts';

const { values } = readWords(import.meta.filename, {
  options: {
    packages: { type: 'string', default: 'libgl1,libglib2.0-0' },
    runs: { type: 'string', default: '3' },
    state: { type: 'string', default: resolve(import.meta.dirname, '../../.mir/bench') },
  },
});
const say = (line: string) => process.stderr.write(`bench: ${line}\n`);
const packages = values.packages.split(',');
const state = resolve(values.state);
await mkdir(state, { recursive: true });
const stage = await openStage(state, say);

const seconds = new Map<string, number[]>();
const loads: number[] = [];
await using ours = await Ours.open(stage);
await using apt = await Apt.open(stage);
for (let run = 0; run < Number(values.runs); run += 1) {
  await time('apt-get update alone', () => apt.update());
  await ours.forget();
  await time('mir, cold', () => ours.build(packages, 1));
  await apt.forget();
  await time('apt-get, cold', () => apt.build(packages, 1));
  await time('mir, again', () => ours.build(packages, 2));
  await time('apt-get, again', () => apt.build(packages, 2));
}
process.stdout.write(`${report()}\n`);

async function time(what: string, work: () => Promise<void>): Promise<void> {
  const measured: Measured = await measure(work);
  seconds.set(what, [...(seconds.get(what) ?? []), measured.wallSeconds]);
  loads.push(measured.load);
  say(`${what}: ${measured.wallSeconds.toFixed(2)} s (load ${measured.load})`);
}

function report(): string {
  const of = (what: string) => seconds.get(what) ?? [];
  const row = (title: string, which: string) => [
    title,
    shownSeconds(of(`mir, ${which}`)),
    shownSeconds(of(`apt-get, ${which}`)),
    shownRatio(of(`mir, ${which}`), of(`apt-get, ${which}`)),
  ];
  return [
    `./mir bench os-packages --packages ${values.packages} --runs ${values.runs}`,
    '',
    `load ${Math.min(...loads).toFixed(1)}-${Math.max(...loads).toFixed(1)}; apt-get update, in no other row: ${shownSeconds(of('apt-get update alone'))}`,
    '',
    formatTable(
      [packages.join(', '), 'mir, seconds', 'apt-get in buildah', 'ours is faster by'],
      [row('packages and layers not here', 'cold'), row('on another base, packages here', 'again')],
    ),
  ].join('\n');
}
