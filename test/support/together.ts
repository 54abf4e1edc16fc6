import assert from 'node:assert/strict';
import type { Cleanup } from './cleanup.ts';
import { copyHome } from './home.ts';
import { build, mirOutput } from './mir.ts';
import type { KnownSpec } from './overlapping-specs.ts';

/**
 * As many processes as there are specs build them in one home at once: each image is the one of an undisturbed build, every wheel is fetched and
 * converted once, and no file is torn.
 */
export async function buildTogether(template: string, expected: readonly KnownSpec[], cleanup: Cleanup): Promise<void> {
  const home = await copyHome(template, cleanup);
  const together = await Promise.all(expected.map(({ words }) => build(words, { home })));
  assert.deepEqual(
    together.map(({ digest }) => digest),
    expected.map(({ digest }) => digest),
  );
  const received = (images: readonly { readonly receivedBytes: number }[]) =>
    images.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
  assert.equal(received(together), received(expected), 'something was fetched more than once');
  const verified = JSON.parse(await mirOutput(['registry', 'verify', '--json'], { home }));
  assert.deepEqual([verified.damaged, verified.brokenImages, verified.brokenTags], [[], [], []]);
}
