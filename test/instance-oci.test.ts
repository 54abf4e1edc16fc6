import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EmbeddedPostgres } from '../packages/server/src/database/embedded-postgres.ts';
import { startContainer } from './support/buildah.ts';
import { cleanupOf } from './support/cleanup.ts';
import { root, temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { at, endOfJob, succeeding, textAt } from './support/instance-client.ts';
import { run, succeed } from './support/program.ts';
import { registryAccount } from './support/registry.ts';
import { type SecuredRegistry, startSecuredRegistry } from './support/secured-registry.ts';
import { seedRecords } from './support/seeded-records.ts';

const cleanup = cleanupOf({ after });
const isThere = await run('sh', ['-c', 'command -v docker-registry && command -v openssl']);
const skip = isThere.status === 0 ? false : 'docker-registry or openssl is not installed';
const credentials = `${registryAccount.username}:${registryAccount.password}`;
let registry: SecuredRegistry;
let instance: RunningInstance;

before(async () => {
  if (skip !== false) return;
  registry = await startSecuredRegistry(cleanup);
  const home = await warmHome(cleanup);
  const postgres = await EmbeddedPostgres.start({ directory: await temporaryFolder(cleanup) });
  cleanup(() => postgres.stop());
  instance = await startInstance(home, cleanup, {
    DATABASE_URL: postgres.url,
    DOCKER_CONFIG: registry.dockerConfig,
    MIR_REGISTRY_KIND: 'oci',
    MIR_REGISTRY_HOST: registry.host,
    MIR_REGISTRY_CA_FILE: registry.caFile,
  });
  await seedRecords(home, { connectionString: postgres.url });
});

async function build(name: string, ...requirements: string[]): Promise<unknown> {
  const { data } = await succeeding(instance.ask('POST', '/v1/images', { body: { name, requirements } }));
  return endOfJob(instance.ask, textAt(data, 'job', 'jobId'));
}

test('an instance keeps its images in a registry with TLS of its own and tokens, and skopeo and buildah get them from there', {
  skip,
}, async (t) => {
  const end = await build('fraud', 'six==1.16.0');
  assert.equal(at(end, 'status'), 'SUCCEEDED', JSON.stringify(end));
  const { data } = await succeeding(instance.ask('GET', '/v1/images/fraud/details'));
  const reference = textAt(data, 'image', 'reference');
  assert.ok(reference.startsWith(`${registry.host}/rime-managed-images/fraud:`), reference);
  assert.ok(registry.scopes.includes('repository:rime-managed-images/fraud:pull,push'));
  const folder = await temporaryFolder(cleanup);
  const words = ['--src-creds', credentials, '--src-cert-dir', registry.certificates];
  await succeed('skopeo', ['copy', ...words, `docker://${reference}`, `dir:${folder}/copy`]);
  const digest = await succeed('skopeo', ['manifest-digest', `${folder}/copy/manifest.json`]);
  assert.equal(digest, at(data, 'image', 'digest'));
  if (process.getuid?.() !== 0) return t.diagnostic('not run: buildah needs root to start containers here');
  const inside = await startContainer(reference, cleanupOf(t), ['--creds', credentials]);
  assert.equal(await inside('python', '-c', 'import six; print(six.__version__)'), '1.16.0');
});

test('the image runs in the sandbox of a worker, which gets it from there', { skip }, async () => {
  const body = { image: 'fraud', command: ['python', '-c', 'import six; print(six.__version__)'] };
  const { data } = await succeeding(instance.ask('POST', '/v1/test-runs', { body }));
  const id = textAt(data, 'run', 'id');
  await succeeding(instance.ask('GET', `/v1/test-runs/${id}/events`));
  const ended = await succeeding(instance.ask('GET', `/v1/test-runs/${id}`));
  assert.equal(at(ended.data, 'run', 'status'), 'SUCCEEDED', ended.text);
});

test('what is missing in the registry is found, and built again', { skip }, async () => {
  const check = async (...words: string[]) => {
    const environment = {
      MIR_URL: instance.url,
      MIR_API_KEY: instance.administratorKey,
      MIR_HOME: instance.process.home,
    };
    return run(`${root}/mir`, ['registry', 'check', ...words], { environment });
  };
  assert.match((await check()).output, /Checked 1 image, present and removed: all as they should be/);
  const words = ['--creds', credentials, '--cert-dir', registry.certificates];
  await succeed('skopeo', ['delete', ...words, `docker://${registry.host}/rime-managed-images/fraud:v1`]);
  const found = await check();
  assert.deepEqual(
    [found.status, /no repository of "fraud"[\s\S]*--repair/.test(found.output)],
    [1, true],
    found.output,
  );
  const repaired = await check('--repair');
  const job = /job ([0-9a-f-]{36})/.exec(repaired.output)?.[1] ?? '';
  assert.equal(at(await endOfJob(instance.ask, job), 'status'), 'SUCCEEDED');
  await succeed('skopeo', ['inspect', ...words, `docker://${registry.host}/rime-managed-images/fraud:v2`]);
});
