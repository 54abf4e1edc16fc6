import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCampaign } from './campaign.ts';
import { readCorpus } from './corpus.ts';
import { targets } from './targets.ts';

/** The short form of `./mir fuzz`: all that is kept, and the same few hundred mutations each time. */
const mutations = 400;

for (const { name } of targets) {
  test(`whatever ${name} is given, it answers or gives a fault`, async () => {
    const { tried, reports } = await runCampaign(name, { seed: 1, count: readCorpus(name).length + mutations });
    assert.ok(tried > mutations, 'there is a corpus');
    assert.deepEqual(reports, [], `./mir fuzz ${name} --seed 1 keeps these inputs`);
  });
}
