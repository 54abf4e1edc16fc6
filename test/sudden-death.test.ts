import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { copyHome, warmHome } from './support/home.ts';
import { type BuildEvent, type BuiltImage, build, mirOutput, RunningBuild } from './support/mir.ts';
import { succeed } from './support/program.ts';

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

before(async () => {
  template = await warmHome(cleanup);
  expected = await build(spec, { home: await copyHome(template, cleanup) });
});

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

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
  // What is younger than an hour is kept: only what has aged shows that nothing needed is collected.
  await succeed('find', [
    join(home, 'registry'),
    ...['-type', 'f', '-links', '1', '-exec', 'touch', '-d', '3 hours ago', '{}', '+'],
  ]);
  await mirOutput(['registry', 'gc'], { home });
  const left = JSON.parse(await mirOutput(['registry', 'gc', '--dry-run', '--json'], { home }));
  assert.equal(left.unfinishedFiles, 0);
  const layout = join(folder, 'layout');
  const last = await build([...spec, '-o', `oci:${layout}`], { home });
  assert.equal(last.digest, expected.digest);
  assert.equal(last.receivedBytes, 0);
  // skopeo checks the digest of each blob.
  await succeed('skopeo', ['copy', `oci:${layout}:death:latest`, `dir:${folder}/copy`]);
}

test('builds that are killed one after the other leave a home that works', async (t) => {
  let hits = 0;
  for (const seed of [1, 2, 3]) {
    await t.test(`seed ${seed}`, async (t) => {
      const own = cleanupOf(t);
      const home = await copyHome(template, own);
      const next = numbersFrom(seed);
      for (let round = 0; round < 4; round += 1) {
        const moment = moments[Math.floor(next() * moments.length)] ?? moments[0];
        const fraction = next();
        const wasRunning = await buildAndKill(home, moment, fraction);
        t.diagnostic(
          `${moment.after} + ${Math.round(fraction * moment.withinMilliseconds)} ms: ${wasRunning ? 'killed' : 'was over'}`,
        );
        if (wasRunning) hits += 1;
      }
      await assertRecovers(home, await temporaryFolder(own));
    });
  }
  assert.ok(hits >= 6, `only ${hits} of 12 builds were still running when they were to be killed`);
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

test('two builds at once share the work and are both right', async (t) => {
  const own = cleanupOf(t);
  const others = ['--python', '3.11', '-p', 'sqlalchemy==2.0.30', '-p', 'idna==3.7', '-t', 'other'];
  const alone = await copyHome(template, own);
  const one = await build(spec, { home: alone });
  const two = await build(others, { home: alone });
  const home = await copyHome(template, own);
  const together = await Promise.all([build(spec, { home }), build(others, { home })]);
  assert.deepEqual(
    together.map(({ digest }) => digest),
    [one.digest, two.digest],
  );
  const received = together.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
  assert.equal(received, one.receivedBytes + two.receivedBytes);
});

test('several builds of the same image at once, one of them killed, are right', async (t) => {
  const own = cleanupOf(t);
  const home = await copyHome(template, own);
  const victim = new RunningBuild(spec, { home });
  assert.ok(await victim.reached((event) => event.stage === 'wheels'));
  const survivors = Promise.all([build(spec, { home }), build(spec, { home })]);
  assert.ok(await victim.killSuddenly());
  for (const { digest } of await survivors) assert.equal(digest, expected.digest);
});
