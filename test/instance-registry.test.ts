import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertConformance } from '../packages/oci/test/conformance-suite.ts';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import { startInstance } from './support/instance.ts';

const password = 'only the tests push with it';

test('the registry of an instance passes the OCI conformance suite in a namespace for tests, which is all its account may touch', {
  timeout: 300_000,
}, async (t) => {
  const cleanup = cleanupOf(t);
  const { url, administratorKey } = await startInstance(await warmHome(cleanup), cleanup, {
    MIR_WORKERS: '0',
    MIR_REGISTRY_TEST_NAMESPACE: 'conformance',
    MIR_REGISTRY_TEST_PASSWORD: password,
  });
  const { host } = new URL(url);
  await assertConformance(t, { host, namespace: 'conformance', account: { name: 'tester', password } });
  const begin = async (repository: string, secret: string) => {
    const authorization = `Basic ${Buffer.from(`tester:${secret}`).toString('base64')}`;
    const place = `${url}/v2/${repository}/blobs/uploads/`;
    return (await fetch(place, { method: 'POST', headers: { authorization } })).status;
  };
  assert.equal(await begin('conformance/one', password), 202);
  assert.equal(await begin('rime-managed-images/fraud', password), 403);
  assert.equal(await begin('0-layers', password), 403);
  assert.equal(await begin('conformance/one', administratorKey), 403, 'API keys pull only');
  assert.equal(await begin('conformance/one', 'a wrong password'), 401);
});
