import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cleanup } from './cleanup.ts';
import { copyHome } from './home.ts';
import { build, mirOutput, RunningBuild } from './mir.ts';
import type { KnownSpec } from './overlapping-specs.ts';
import { succeed } from './program.ts';
import { numbersFrom } from './random.ts';

/** How builds are killed. */
export type Killing = {
  /** A home with a base, from which every home is copied. */
  readonly template: string;
  /** What is built. After as many kills a home is looked at and given up for a new one, in which everything has to be made again. */
  readonly specs: readonly KnownSpec[];
  /** So many builds are killed while they run. */
  readonly kills: number;
  readonly seed: number;
  readonly cleanup: Cleanup;
  readonly tell: (line: string) => void;
};

/** What came of it. */
export type KillingReport = { readonly kills: number; readonly wereOver: number; readonly homes: number };

/**
 * Kills builds with -9 at random moments from their start to their end, and builds the same again each time: the digest has to be the one of
 * an undisturbed build. At the end of a home nothing may be left over or damaged.
 */
export async function killBuilds(killing: Killing): Promise<KillingReport> {
  const next = numbersFrom(killing.seed);
  let kills = 0;
  let wereOver = 0;
  let homes = 0;
  while (kills < killing.kills) {
    const home = await copyHome(killing.template, killing.cleanup);
    homes += 1;
    const order = killing.specs
      .map((spec) => ({ spec, at: next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ spec }) => spec);
    for (const spec of order) {
      if (kills === killing.kills) break;
      const fraction = next();
      const running = new RunningBuild(spec.words, { home });
      await delay(fraction * spec.milliseconds);
      const wasRunning = await running.killSuddenly();
      if (wasRunning) kills += 1;
      else wereOver += 1;
      const again = await build(spec.words, { home });
      assert.equal(again.digest, spec.digest, `seed ${killing.seed}, kill ${kills}: another digest`);
      killing.tell(
        `${kills}/${killing.kills}  ${wasRunning ? 'killed' : 'was over'} at ${Math.round(fraction * spec.milliseconds)} of ${Math.round(spec.milliseconds)} ms`,
      );
    }
    await assertSound(home, order);
  }
  return { kills, wereOver, homes };
}

/** What has to hold of a home whatever happened to it: nothing left over, nothing damaged, nothing needed collected. */
async function assertSound(home: string, specs: readonly KnownSpec[]): Promise<void> {
  await collectAged(home);
  for (const { words, digest } of specs) {
    const image = await build(words, { home });
    assert.equal(image.digest, digest);
  }
  const verified = JSON.parse(await mirOutput(['registry', 'verify', '--json'], { home }));
  assert.deepEqual([verified.damaged, verified.brokenImages, verified.brokenTags], [[], [], []]);
}

/** Collects garbage as if hours had passed, and looks for what is left over. */
export async function collectAged(home: string): Promise<void> {
  const folders = ['registry', 'records', 'locks', 'cache'].map((name) => join(home, name));
  // Blobs that homes share by links keep their time: they are needed anyway.
  const young = ['(', '-type', 'd', '-o', '-links', '1', ')', '-exec', 'touch', '-h', '-d', '3 hours ago', '{}', '+'];
  await succeed('find', [...folders, ...young]);
  await mirOutput(['registry', 'gc'], { home });
  const left = JSON.parse(await mirOutput(['registry', 'gc', '--dry-run', '--json'], { home }));
  assert.deepEqual([left.blobs, left.unfinishedFiles], [0, 0]);
  for (const folder of ['registry/tmp', 'registry/damaged', 'locks']) {
    assert.deepEqual(await readdir(join(home, folder)).catch(() => []), [], `leftovers in ${folder}`);
  }
  const aside = await succeed('find', [
    ...[join(home, 'records'), join(home, 'cache'), '-maxdepth', '3', '-regextype', 'egrep'],
    ...[
      '-regex',
      '.*([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|/(uv-run|uv-download)-[^/]*|/debian/\\..*)',
    ],
  ]);
  assert.equal(aside, '', 'leftovers beside the blobs');
}
