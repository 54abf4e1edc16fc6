import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildKit } from '../contestants/buildkit.ts';
import type { Contestant } from '../contestants/contestant.ts';
import { Ours } from '../contestants/ours.ts';
import { measure } from '../measurement.ts';
import { run } from '../program.ts';
import type { Registry } from '../registry.ts';
import type { Stage } from '../stage.ts';
import { formatTable } from '../table.ts';
import { makeTeams, type Team } from './teams.ts';

const teamCount = 50;
const seed = 20_261_123;

type Total = { readonly seconds: number; readonly uploadedBytes: number; readonly heldBytes: number };

/**
 * Fifty teams, one after the other, in one registry that starts with the bases only. Their requirements are resolved before, once, and
 * both get the same pinned lists. BuildKit keeps its cache mount, so that it fetches every wheel once, too.
 */
export async function benchFleet(stage: Stage, say: (line: string) => void): Promise<string> {
  const teams = await Promise.all(makeTeams(teamCount, seed).map(async (team) => pinned(stage, team)));
  const rows: string[][] = [];
  {
    await using ours = await Ours.open(stage, { bytecode: false, port: 'fleet-ours' });
    rows.push(await total(ours, ours.registry, teams, say));
  }
  {
    await using buildKit = await BuildKit.start(stage, 'fleet-buildkit');
    const contestant = buildKit.contestant({ name: 'BuildKit + uv', dockerfile: 'one-layer' });
    rows.push(await total(contestant, buildKit.registry, teams, say));
  }
  const [ours = [], theirs = []] = rows;
  const ratio = ['ratio', ...ours.slice(1).map((own, at) => `${(Number(theirs[at + 1]) / Number(own)).toFixed(1)}x`)];
  return [
    `${teamCount} teams, seed ${seed}, ./mir bench --case fleet`,
    '',
    formatTable(['who', 'seconds in all', 'MB uploaded', 'MB held by the registry'], [...rows, ratio]),
  ].join('\n');
}

async function total(
  contestant: Contestant,
  registry: Registry,
  teams: readonly Team[],
  say: (line: string) => void,
): Promise<string[]> {
  await contestant.forget();
  const heldBefore = await registry.heldBytes();
  const mark = await registry.mark();
  const sum = { seconds: 0 };
  for (const team of teams) {
    const job = { name: team.name, requirements: team.requirements, added: [], base: 1 } as const;
    const { wallSeconds, load } = await measure(() => contestant.build(job));
    sum.seconds += wallSeconds;
    say(
      `${contestant.name} ${team.name}, ${team.requirements.length} packages: ${wallSeconds.toFixed(2)} s (load ${load})`,
    );
  }
  const result: Total = {
    seconds: sum.seconds,
    uploadedBytes: await registry.uploadedBytes(mark),
    heldBytes: (await registry.heldBytes()) - heldBefore,
  };
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
  return [contestant.name, result.seconds.toFixed(1), megabytes(result.uploadedBytes), megabytes(result.heldBytes)];
}

/** The team's requirements with every package pinned, resolved by uv once and kept with the stage. */
async function pinned(stage: Stage, team: Team): Promise<Team> {
  const folder = join(stage.folder, 'fleet');
  await mkdir(folder, { recursive: true });
  const [asked, path] = [join(folder, `${team.name}.in`), join(folder, `${team.name}.txt`)];
  await writeFile(asked, `${team.requirements.join('\n')}\n`);
  const options = ['--only-binary', ':all:', '--no-header', '--no-annotate', '--quiet', '--python-version', '3.11'];
  await run(
    join(stage.programs, 'uv'),
    ['pip', 'compile', asked, '-o', path, ...options, '--python-platform', 'x86_64-manylinux_2_36', '--system-certs'],
    { log: join(folder, 'uv.log') },
  );
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { ...team, requirements: lines };
}
