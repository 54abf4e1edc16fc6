import { after, test } from 'node:test';
import { cleanupOf } from '../../../test/support/cleanup.ts';
import { LayerCache } from '../src/layers/layer-cache.ts';
import { temporary } from './fixture.ts';

const cleanup = cleanupOf({ after });

test('a folder of layers is opened by many at once while there is nothing in it', async () => {
  const folder = temporary(cleanup);
  const identities = { uid: 1000, gid: 1000, count: 1 };
  for (let round = 0; round < 20; round++)
    await Promise.all(Array.from({ length: 20 }, () => LayerCache.open(folder, identities)));
});
