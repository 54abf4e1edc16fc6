import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chooseBase, Workshop } from '@mir/builder';
import { pushImage, RegistryClient } from '@mir/oci';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { copyHome, warmHome } from './support/home.ts';
import { type Meddle, startMeddling } from './support/meddling.ts';
import { type BuiltImage, build } from './support/mir.ts';
import { succeed } from './support/program.ts';
import { startForeignRegistry } from './support/registry.ts';

const cleanup = cleanupOf({ after });
const spec = ['--python', '3.11', '--no-bytecode', '-p', 'six==1.16.0', '-p', 'pygments==2.18.0', '-t', 'everyday:1'];
const more = [...spec, '-p', 'idna==3.7'];

let home: string;
/** What the registry is asked, in order. */
let asked: string[] = [];
let behind: string;
let registry: string;
let first: BuiltImage;
let meddle: Meddle = () => false;

before(async () => {
  home = await copyHome(await warmHome(cleanup), cleanup);
  behind = await startForeignRegistry(cleanup);
  const listening: Meddle = (request, response) => {
    asked.push(`${request.method} ${decodeURIComponent(request.url ?? '')}`);
    return meddle(request, response);
  };
  registry = await startMeddling(() => behind, listening, cleanup);
  first = await build([...spec, '-o', `registry://${registry}/team/fraud`], { home });
});

/** Builds, and gives what the registry was asked for it besides how to sign in. */
async function push(words: readonly string[], repository: string, options = { home }) {
  asked = [];
  const image = await build([...words, '-o', `registry://${registry}/${repository}`], options);
  return { image, requests: asked.filter((line) => line !== 'GET /v2/') };
}

async function assertPullable(image: BuiltImage, repository: string): Promise<void> {
  const folder = await temporaryFolder(cleanup);
  // skopeo checks the digest of each blob.
  const source = `docker://${registry}/${repository}@${image.digest}`;
  await succeed('skopeo', ['copy', '--src-tls-verify=false', source, `dir:${folder}/copy`]);
}

test('pushing again what is there asks one question', async () => {
  const { image, requests } = await push(spec, 'team/fraud');
  assert.equal(image.digest, first.digest);
  assert.deepEqual(requests, ['GET /v2/team/fraud/manifests/1']);
});

test('with one package more, nothing is asked about what the last image has', async () => {
  const { image, requests } = await push(more, 'team/fraud');
  const known = first.layers.map(({ digest }) => digest);
  assert.deepEqual(
    requests.filter((line) => known.some((digest) => line.includes(digest))),
    [],
  );
  const added = image.layers.filter(({ digest }) => !known.includes(digest));
  assert.ok(added.length > 0 && added.length < image.layers.length);
  // Its new layers and configuration, each with a question, a beginning and an end; the tag before and after.
  assert.equal(requests.length, 3 * (added.length + 1) + 2);
  await assertPullable(image, 'team/fraud');
});

test('another repository of the same registry gets everything by mounts', async () => {
  const { image, requests } = await push(more, 'team/other');
  assert.equal(image.sentBytes, 0);
  assert.ok(requests.every((line) => line.includes('/manifests/') || line.includes('&from=team/fraud')));
  await assertPullable(image, 'team/other');
});

test('a registry that has lost everything gets everything', async (t) => {
  const own = cleanupOf(t);
  const before = behind;
  own(async () => {
    behind = before;
  });
  behind = await startForeignRegistry(own);
  const { image } = await push(more, 'team/third');
  assert.ok(image.sentBytes > 20_000_000);
  await assertPullable(image, 'team/third');
});

test('a registry that misses what its tag refers to is asked for every blob', async () => {
  let refusals = 1;
  meddle = (request, response) => {
    if (request.method !== 'PUT' || !request.url?.includes('/manifests/') || refusals === 0) return false;
    refusals -= 1;
    request.resume();
    response.writeHead(404).end('{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}');
    return true;
  };
  const { image, requests } = await push([...more, '-p', 'zipp==3.19.2'], 'team/fraud');
  meddle = () => false;
  for (const { digest } of image.layers) assert.ok(requests.some((line) => line.includes(digest)));
  await assertPullable(image, 'team/fraud');
});

test('the layers of a base in the same registry are mounted from there', async (t) => {
  const own = cleanupOf(t);
  // Whoever pushes knows the base from its registry only.
  const pusher = { home: await copyHome(await warmHome(own), own) };
  await using workshop = await Workshop.open({
    environment: { ...process.env, MIR_HOME: home },
    now: () => new Date(),
  });
  const { image: base } = await chooseBase(workshop, { platform: 'linux/amd64', base: 'debian:bookworm' });
  const client = new RegistryClient({ registry });
  own(() => client.close());
  await pushImage(client.repository('bases/python'), base, workshop.blobs, { tags: ['1'] });
  const { image, requests } = await push(
    [...spec, '--platform', 'linux/amd64', '--base', `oci:${registry}/bases/python:1`],
    'team/based',
    pusher,
  );
  for (const { descriptor } of base.layers) {
    const mounts = requests.filter((line) => line.includes('from=bases/python') && line.includes(descriptor.digest));
    assert.equal(mounts.length, 1);
  }
  assert.ok(image.sentBytes < 5_000_000, `${image.sentBytes} bytes were sent`);
  await assertPullable(image, 'team/based');
});
