import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { copyHome, warmHome } from './support/home.ts';
import { collectAged, killBuilds } from './support/killing.ts';
import { type BuildEvent, type BuiltImage, build, RunningBuild } from './support/mir.ts';
import { buildOverlapping, type KnownSpec } from './support/overlapping-specs.ts';
import { succeed } from './support/program.ts';
import { numbersFrom } from './support/random.ts';
import { buildTogether } from './support/together.ts';

const spec = [
  ...['--python', '3.11', '--os-package', 'libgomp1', '-t', 'death'],
  ...['-p', 'sqlalchemy==2.0.30', '-p', 'pygments==2.18.0', '-p', 'markupsafe==2.1.5', '-p', 'six==1.16.0'],
];

/** When a build is killed: so many milliseconds after it said something. */
type Moment = {
  readonly after: string;
  readonly matches: (event: BuildEvent) => boolean;
  readonly withinMilliseconds: number;
};

const stage = (name: string, state: string, withinMilliseconds: number): Moment => ({
  after: `${name} ${state}`,
  matches: (event) => event.stage === name && event.state === state,
  withinMilliseconds,
});
const moments = [
  stage('base', 'started', 150),
  stage('resolve', 'started', 400),
  stage('wheels', 'started', 100),
  stage('wheels', 'started', 1500),
  stage('wheels', 'started', 2500),
  stage('os-packages', 'finished', 400),
  stage('wheels', 'finished', 10),
  stage('assemble', 'started', 60),
] as const;

const cleanup = cleanupOf({ after });
let template: string;
let expected: BuiltImage;
let overlapping: readonly KnownSpec[];

before(async () => {
  template = await warmHome(cleanup);
  expected = await build(spec, { home: await copyHome(template, cleanup) });
  overlapping = await buildOverlapping(template, 10, cleanup);
});

/** Starts a build and kills it; true when it was still running. */
async function buildAndKill(home: string, moment: Moment, fraction: number): Promise<boolean> {
  const running = new RunningBuild(spec, { home });
  await running.reached(moment.matches);
  await delay(fraction * moment.withinMilliseconds);
  return running.killSuddenly();
}

/** What has to hold after whatever happened to a home. */
async function assertRecovers(home: string, folder: string): Promise<void> {
  const rebuilt = await build(spec, { home });
  assert.equal(rebuilt.digest, expected.digest);
  await collectAged(home);
  const layout = join(folder, 'layout');
  const last = await build([...spec, '-o', `oci:${layout}`], { home });
  assert.equal(last.digest, expected.digest);
  assert.equal(last.receivedBytes, 0);
  // skopeo checks the digest of each blob.
  await succeed('skopeo', ['copy', `oci:${layout}:death:latest`, `dir:${folder}/copy`]);
}

test('builds that are killed at random moments are right when built again, and leave nothing', async (t) => {
  const kills = 5;
  const report = await killBuilds({
    ...{ template, specs: overlapping.slice(0, kills), kills, seed: 1 },
    cleanup: cleanupOf(t),
    tell: (line) => t.diagnostic(line),
  });
  assert.equal(report.kills, kills);
});

test('builds that are killed at the delicate moments leave a home that works', async (t) => {
  const own = cleanupOf(t);
  const home = await copyHome(template, own);
  const next = numbersFrom(2);
  for (const moment of moments) {
    const fraction = next();
    const wasRunning = await buildAndKill(home, moment, fraction);
    t.diagnostic(
      `${moment.after} + ${Math.round(fraction * moment.withinMilliseconds)} ms: ${wasRunning ? 'killed' : 'was over'}`,
    );
  }
  await assertRecovers(home, await temporaryFolder(own));
});

test('a build killed while it makes the first base goes on from there', async (t) => {
  const own = cleanupOf(t);
  const home = join(await temporaryFolder(own), 'home');
  const next = numbersFrom(4);
  const downloading: Moment = { after: 'expect', matches: ({ type }) => type === 'expect', withinMilliseconds: 3000 };
  assert.ok(await buildAndKill(home, downloading, next()));
  assert.ok(await buildAndKill(home, downloading, 1));
  await assertRecovers(home, await temporaryFolder(own));
});

for (const processes of [2, 10]) {
  test(`${processes} builds of overlapping specs at once share the work and are right`, (t) =>
    buildTogether(template, overlapping.slice(0, processes), cleanupOf(t)));
}

test('several builds of the same image at once, one of them killed, are right', async (t) => {
  const own = cleanupOf(t);
  const home = await copyHome(template, own);
  const victim = new RunningBuild(spec, { home });
  assert.ok(await victim.reached((event) => event.stage === 'wheels'));
  const survivors = Promise.all([build(spec, { home }), build(spec, { home })]);
  assert.ok(await victim.killSuddenly());
  for (const { digest } of await survivors) assert.equal(digest, expected.digest);
});
