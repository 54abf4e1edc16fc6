import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type OriginalClient, originalClient } from './original-clients/original-client.ts';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';

const cleanup = cleanupOf({ after });
let instance: RunningInstance;

before(async () => {
  instance = await startInstance(await warmHome(cleanup), cleanup);
});

const administrator = () => ({ MIR_API_KEY: instance.administratorKey, MEMBER_KEY: instance.memberKey });
const member = () => ({ MIR_API_KEY: instance.memberKey });
const nobody = () => ({});

/** Every script, with who runs it where. The clients of one process share a key, so each has a process of its own. */
const scripts: readonly [OriginalClient, string, string, () => Record<string, string>][] = [
  ['rime-sdk-2.13', 'rime_sdk_administrator.py', '', administrator],
  ['rime-sdk-2.13', 'rime_sdk_member.py', '', member],
  ['rime-sdk-2.13', 'rime_sdk_stranger.py', '', nobody],
  ['rime-sdk-0.20', 'rime_sdk_administrator.py', '/compat/0.20', administrator],
  ['rime-sdk-0.20', 'rime_sdk_member.py', '/compat/0.20', member],
  ['rime-sdk-0.20', 'rime_sdk_stranger.py', '/compat/0.20', nobody],
  ['robustintelligence-2.13', 'robustintelligence_user.py', '', administrator],
  ['robustintelligence-2.13', 'rest_user.py', '', administrator],
];

for (const [client, script, path, keys] of scripts) {
  test(`${client}, ${script}`, async (t) => {
    const run = await originalClient(client, cleanup);
    for (const { promise, broken } of await run(script, { MIR_URL: `${instance.url}${path}`, ...keys() })) {
      await t.test(promise, () => assert.equal(broken, null, broken ?? ''));
    }
  });
}
