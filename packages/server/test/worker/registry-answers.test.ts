import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixedCredentials } from '@mir/oci';
import { openDatabase } from '../../src/database/connection.ts';
import { migrations } from '../../src/database/migrations/migrations.ts';
import type { Tables } from '../../src/database/schema.ts';
import { EcrPace } from '../../src/registry/ecr/ecr-pace.ts';
import { ecrRates } from '../../src/registry/ecr/rates.ts';
import type { BuildersAccess } from '../../src/registry/image-registry.ts';
import { TokenBuckets } from '../../src/registry/token-buckets.ts';
import { registryAnswer } from '../../src/worker/registry-answers.ts';
import { temporaryDatabase } from '../database/temporary-database.ts';

test('a process that is ended while it waits for its turn takes nobody’s turn', { timeout: 30_000 }, async (t) => {
  const database = await openDatabase<Tables>({ embedded: await temporaryDatabase(migrations) });
  t.after(() => database.destroy());
  const buckets = new TokenBuckets(database);
  const access: BuildersAccess = {
    notes: undefined,
    credentials: fixedCredentials('registry', 'nobody', 'nothing'),
    paceOf: (isUrgent) => new EcrPace(buckets, 'registry', isUrgent),
    layerPool: undefined,
  };
  await buckets.drain('registry ecr:PutImage', ecrRates['ecr:PutImage'], 60);
  const gone = new AbortController();
  const waiting = Array.from({ length: 6 }, () =>
    registryAnswer(access, { ask: 'turn', action: 'put-manifest' }, true, gone.signal),
  );
  gone.abort();
  for (const answer of await Promise.all(waiting)) assert.ok('fault' in answer, 'it has not waited for a minute');
});
