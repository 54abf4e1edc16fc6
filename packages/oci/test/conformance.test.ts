import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertConformance } from './conformance-suite.ts';
import { startRegistry } from './registry-fixture.ts';

test('the OCI distribution conformance suite finds no failure', { timeout: 300_000 }, async (t) => {
  const registry = await startRegistry(t);
  await assertConformance(t, { host: registry.host, namespace: 'conformance' });
  assert.deepEqual(registry.errors, []);
});
