import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isForeign } from '../../src/registry/repository-ownership.ts';

const ours = { digest: 'sha256:a', tag: 'v1' };
const stored = (digest: string, ...tags: string[]) => ({ digest, tags, sizeBytes: undefined });

test("a repository with none of our images is somebody else's; one with nothing, or with what a dead worker pushed, is ours", () => {
  assert.ok(isForeign([ours], [stored('sha256:b', 'v1')]));
  assert.ok(!isForeign([ours], [stored('sha256:b', 'v1'), stored('sha256:a', 'v2')]));
  assert.ok(!isForeign([ours], []));
  assert.ok(!isForeign([ours], undefined));
  const pushed = { digest: null, tag: 'v2' };
  assert.ok(!isForeign([ours, pushed], [stored('sha256:b', 'v2')]));
  assert.ok(isForeign([ours, pushed], [stored('sha256:b', 'latest')]));
  assert.ok(!isForeign([pushed], [stored('sha256:b', 'latest')]), 'nothing of ours was ever there to be missed');
});
