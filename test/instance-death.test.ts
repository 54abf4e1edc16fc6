import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import { killInstance } from './support/instance-killing.ts';

const cleanup = cleanupOf({ after });

test('killed again and again, an instance keeps what it acknowledged and ends every build', async (t) => {
  const report = await killInstance({
    home: await warmHome(cleanup),
    changes: 40,
    seed: 20261123,
    cleanup: cleanupOf(t),
    tell: (line) => t.diagnostic(line),
  });
  assert.ok(report.kills >= 3, JSON.stringify(report));
  assert.ok(report.images > 0, JSON.stringify(report));
  t.diagnostic(JSON.stringify(report));
});
