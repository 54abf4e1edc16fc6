/**
 * `./mir bench`: us and the peers on this machine, in one run, in turn, on the same pinned wheels and the same base; then a
 * table with medians and ranges.
 *
 *   ./mir bench                          every case of S1
 *   ./mir bench --set S1,S2 --case cold,light --runs 5
 *   ./mir bench --case light --with 'BuildKit + uv' --with 'BuildKit + pip'
 *   ./mir bench --case fleet             fifty teams' requirement files, one after the other
 *   ./mir bench --case debian            a Debian base with Python, against mmdebstrap
 */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { readWords } from '../tools/words.ts';
import { Arena, type CaseName, caseTitles } from './cases.ts';
import { Buildah } from './contestants/buildah.ts';
import { BuildKit } from './contestants/buildkit.ts';
import type { Contestant } from './contestants/contestant.ts';
import { Ours } from './contestants/ours.ts';
import { benchDebianBase } from './debian-base.ts';
import { benchFleet } from './fleet/fleet.ts';
import { measureDownload, measureInflation, openWheels } from './floors.ts';
import type { Measured } from './measurement.ts';
import { readLightPackages, readSet, setNames } from './sets/sets.ts';
import { openStage, versions } from './stage.ts';
import { formatTable, shownRatio, shownSeconds } from './table.ts';

const { values } = readWords(import.meta.filename, {
  options: {
    set: { type: 'string', default: 'S1' },
    case: { type: 'string', default: 'cold,light,heavy,noop,base' },
    runs: { type: 'string', default: '3' },
    with: { type: 'string', multiple: true, default: [] },
    state: { type: 'string', default: resolve(import.meta.dirname, '../.mir/bench') },
  },
});

type Result = Measured & { readonly set: string; readonly case: string; readonly contestant: string };

const say = (line: string) => process.stderr.write(`bench: ${line}\n`);
const runs = Number(values.runs);
const wanted = values.case.split(',');
const state = resolve(values.state);
await mkdir(state, { recursive: true });
const stage = await openStage(state, say);
const results: Result[] = [];

if (wanted.includes('fleet')) process.stdout.write(`${await benchFleet(stage, say)}\n`);
if (wanted.includes('debian')) process.stdout.write(`${await benchDebianBase(stage, runs, say)}\n`);
const cases = (Object.keys(caseTitles) as CaseName[]).filter((name) => wanted.includes(name));
if (cases.length > 0) await benchCases(cases);

async function benchCases(names: readonly CaseName[]): Promise<void> {
  await using ours = await Ours.open(stage, { bytecode: false });
  await using oursWithBytecode = await Ours.open(stage, { bytecode: true, port: 'ours-bytecode' });
  await using buildKit = await BuildKit.start(stage);
  await using buildah = await Buildah.open(stage);
  const uv = buildKit.contestant({ name: 'BuildKit + uv', dockerfile: 'one-layer' });
  const uvWithBytecode = buildKit.contestant({
    name: 'BuildKit + uv + bytecode',
    dockerfile: 'one-layer',
    bytecode: true,
  });
  const split = buildKit.contestant({ name: 'BuildKit + uv, split by hand', dockerfile: 'split' });
  const link = buildKit.contestant({ name: 'BuildKit + uv, COPY --link', dockerfile: 'link' });
  const pip = buildKit.contestant({ name: 'BuildKit + pip', dockerfile: 'pip' });
  const fields: Readonly<Record<CaseName, readonly Contestant[]>> = {
    cold: [ours, uv, oursWithBytecode, uvWithBytecode, buildah],
    light: [ours, uv, split, oursWithBytecode, uvWithBytecode, pip, buildah],
    heavy: [ours, uv],
    noop: [ours, uv],
    base: [ours, uv, link],
  };
  const arena = new Arena(await readLightPackages());
  for (const setName of values.set === 'all' ? setNames : values.set.split(',')) {
    const set = await readSet(setName);
    for (const name of names) {
      const field = fields[name].filter(
        (one) => values.with.length === 0 || one === ours || values.with.includes(one.name),
      );
      const wheels = name === 'cold' ? await openWheels(stage, set) : undefined;
      for (let run = 1; run <= runs; run++) {
        if (wheels !== undefined) {
          await record({ set: setName, case: name, contestant: 'floor: download', ...(await measureDownload(wheels)) });
          await record({
            set: setName,
            case: name,
            contestant: 'floor: inflate + SHA-256',
            ...(await measureInflation(wheels)),
          });
        }
        for (const contestant of field) {
          const measured = await arena.run(contestant, set, name);
          await record({ set: setName, case: name, contestant: contestant.name, ...measured });
        }
      }
    }
  }
  process.stdout.write(`${report(results)}\n`);
  await writeFile(join(state, 'report.md'), `${report(results)}\n`);
}

async function record(result: Result): Promise<void> {
  results.push(result);
  say(`${result.set} ${result.case} ${result.contestant}: ${result.wallSeconds.toFixed(2)} s (load ${result.load})`);
  await appendFile(join(state, 'results.jsonl'), `${JSON.stringify({ at: new Date().toISOString(), ...result })}\n`);
}

function report(all: readonly Result[]): string {
  const cells = Map.groupBy(all, ({ set, case: name, contestant }) => [set, name, contestant].join('\n'));
  const secondsOf = (set: string, name: string, contestant: string) =>
    (cells.get([set, name, contestant].join('\n')) ?? []).map(({ wallSeconds }) => wallSeconds);
  const rows = [...cells.values()].map((cell) => {
    const [{ set, case: name, contestant } = all[0] as Result] = cell;
    const rival = contestant.includes('bytecode') || contestant.includes('pip') ? 'mir + bytecode' : 'mir';
    const hasRatio = contestant !== rival && !contestant.startsWith('floor');
    const title = caseTitles[name as CaseName];
    const loads = cell.map(({ load }) => load);
    return [
      set,
      title,
      contestant,
      shownSeconds(cell.map(({ wallSeconds }) => wallSeconds)),
      hasRatio ? shownRatio(secondsOf(set, name, rival), secondsOf(set, name, contestant)) : '',
      `${Math.min(...loads).toFixed(1)}-${Math.max(...loads).toFixed(1)}`,
    ];
  });
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()} ${arch()}`;
  return [
    `./mir bench --set ${values.set} --case ${values.case} --runs ${values.runs}`,
    '',
    `${machine}; BuildKit ${versions.buildKit}, uv ${versions.uv}, Debian ${versions.suite}, ${new Date().toISOString().slice(0, 10)}`,
    '',
    formatTable(['set', 'case', 'who', 'seconds, median (range)', 'ours is faster by', 'load'], rows),
  ].join('\n');
}
