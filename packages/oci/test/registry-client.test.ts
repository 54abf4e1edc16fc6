import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type Digest,
  digestOf,
  fetchImage,
  ImageSet,
  mediaTypes,
  pullImage,
  pushImage,
  type RepositoryClient,
  type RequestPace,
  type TransferProgress,
} from '../src/index.ts';
import { clientOf, pushed, sources, startDockerRegistry, startMeddling } from './client-fixture.ts';
import { collect, listen, noise, startRegistry, storeImage } from './registry-fixture.ts';

async function pushAndPull(t: TestContext, repository: RepositoryClient): Promise<void> {
  const blobs = await sources(t);
  const amd64 = await storeImage(blobs, 'one');
  const arm64 = await storeImage(blobs, 'two', 'arm64');
  const set = ImageSet.create([amd64, arm64]);
  const progress: TransferProgress[] = [];
  assert.equal(
    await pushImage(repository, set, blobs, { tags: ['v1', 'latest'], onProgress: (step) => progress.push(step) }),
    set.digest,
  );
  assert.equal(progress.filter(({ outcome }) => outcome === 'uploaded').length, 5); // three layers, one of them shared; two configurations
  assert.deepEqual([...(await repository.tags())].sort(), ['latest', 'v1']);
  assert.equal(await repository.headManifest('v1'), set.digest);

  const again: TransferProgress[] = [];
  await pushImage(repository, set, blobs, { tags: ['v1'], onProgress: (step) => again.push(step) });
  assert.deepEqual(new Set(again.map(({ outcome }) => outcome)), new Set(['present']), 'nothing is moved twice');

  const store = await sources(t);
  const pulled = await pullImage(repository, 'v1', store, { platform: 'linux/arm64' });
  assert.equal(pulled.digest, set.digest);
  assert.equal(pulled.image.digest, arm64.digest);
  for (const { descriptor } of arm64.layers) assert.equal(await store.size(descriptor.digest), descriptor.size);
  const second: TransferProgress[] = [];
  await pullImage(repository, amd64.digest, store, {
    platform: 'linux/amd64',
    onProgress: (step) => second.push(step),
  });
  assert.deepEqual(
    second
      .filter(({ outcome }) => outcome !== undefined)
      .map(({ outcome }) => outcome)
      .sort(),
    ['downloaded', 'present'],
  );
  await assert.rejects(fetchImage(repository, amd64.digest, 'linux/arm64'), { code: 'manifest/no-such-platform' });
  await assert.rejects(fetchImage(repository, 'v9', 'linux/arm64'), { code: 'manifest/unknown' });
  assert.deepEqual(
    await collect(repository.readBlob(amd64.manifest.config.digest, { start: 2, length: 5 })),
    Buffer.from(amd64.configBytes).subarray(2, 7),
  );
  assert.equal(await repository.deleteManifest(set.digest), true);
  assert.equal(await repository.getManifest('v1'), undefined);
}

test('images travel to this registry and back', async (t) => {
  const registry = await startRegistry(t);
  await pushAndPull(t, clientOf(t, registry.host).repository('team/fraud'));
  assert.deepEqual(registry.errors, []);
});

test('images travel to docker-registry and back', async (t) => {
  await pushAndPull(t, clientOf(t, await startDockerRegistry(t)).repository('team/fraud'));
});

for (const make of ['this registry', 'docker-registry'] as const) {
  test(`a blob of another repository is mounted, not moved (${make})`, async (t) => {
    const host = make === 'this registry' ? (await startRegistry(t)).host : await startDockerRegistry(t);
    const client = clientOf(t, host);
    const blobs = await sources(t);
    const image = await storeImage(blobs);
    await pushImage(client.repository('pool'), image, blobs, { tags: ['v1'] });
    const progress: TransferProgress[] = [];
    await pushImage(client.repository('team/fraud'), image, blobs, {
      tags: ['v1'],
      mountFrom: () => ['nowhere', 'pool'],
      onProgress: (step) => progress.push(step),
    });
    assert.deepEqual(
      progress.map(({ outcome }) => outcome),
      ['mounted', 'mounted', 'mounted'],
    );
    assert.equal(await client.repository('other').mountBlob(digestOf(Buffer.from('nowhere')), 'pool'), false);
  });

  test(`referrers are found (${make})`, async (t) => {
    const host = make === 'this registry' ? (await startRegistry(t)).host : await startDockerRegistry(t);
    const repository = clientOf(t, host).repository('team/fraud');
    const blobs = await sources(t);
    const image = await storeImage(blobs);
    await pushImage(repository, image, blobs, { tags: ['v1'] });
    assert.deepEqual(await repository.referrers(image.digest), []);
    const put = async (artifactType: string): Promise<Digest> => {
      const empty = Buffer.from('{}');
      const config = { mediaType: mediaTypes.ociEmpty, digest: digestOf(empty), size: 2 };
      await repository.uploadBlob(config, async function* () {
        yield empty;
      });
      const manifest = {
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        artifactType,
        config,
        layers: [config],
        subject: image.descriptor,
      };
      const bytes = Buffer.from(JSON.stringify({ ...manifest, subject: { ...image.descriptor, platform: undefined } }));
      return await repository.putManifest(digestOf(bytes), bytes, mediaTypes.ociManifest);
    };
    const report = await put('application/x.report');
    const signature = await put('application/x.signature');
    assert.deepEqual(
      (await repository.referrers(image.digest)).map(({ digest }) => digest).sort(),
      [report, signature].sort(),
    );
    assert.deepEqual(
      (await repository.referrers(image.digest, 'application/x.report')).map(({ digest, artifactType }) => [
        digest,
        artifactType,
      ]),
      [[report, 'application/x.report']],
    );
  });
}

test('an upload whose connection is cut is begun anew and succeeds', async (t) => {
  let cuts = 0;
  let begun = 0;
  const registry = await startMeddling(t, (request) => {
    if (request.method === 'POST') begun++;
    if (request.method !== 'PUT' || !request.url?.includes('/blobs/uploads/') || cuts === 2) return false;
    cuts++;
    request.once('data', () => request.socket.destroy());
    return true;
  });
  const content = noise(2_000_000);
  const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length };
  let opened = 0;
  const outcome = await clientOf(t, registry.host)
    .repository('a')
    .uploadBlob(descriptor, async function* () {
      opened++;
      for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000);
    });
  assert.deepEqual({ outcome, cuts, begun, opened }, { outcome: 'uploaded', cuts: 2, begun: 3, opened: 3 });
  assert.deepEqual(await collect(registry.blobs.read(descriptor.digest)), content);
});

test('a download whose connection is cut goes on where it was', async (t) => {
  const content = noise(3_000_000);
  let cuts = 0;
  const ranges: (string | undefined)[] = [];
  const registry = await startMeddling(t, (request, response) => {
    if (request.method !== 'GET' || !request.url?.includes('/blobs/')) return false;
    ranges.push(request.headers.range);
    if (cuts++ > 0) return false;
    response.writeHead(200, {
      'Content-Length': content.length,
      'Accept-Ranges': 'bytes',
      ETag: `"${digestOf(content)}"`,
    });
    response.write(content.subarray(0, 1_000_000), () => response.destroy());
    return true;
  });
  const { digest } = await registry.blobs.put(content);
  await registry.repositories.linkBlob('a', digest);
  assert.deepEqual(await collect(clientOf(t, registry.host).repository('a').readBlob(digest)), content);
  assert.equal(ranges.length, 2);
  assert.match(ranges[1] ?? '', /^bytes=[1-9][0-9]*-/);
});

test('"too many requests" is waited out as long as the registry asks', async (t) => {
  let refusals = 2;
  const registry = await startMeddling(t, (request, response) => {
    if (!request.url?.includes('/v2/a/') || refusals === 0) return false;
    refusals--;
    request.resume();
    response
      .writeHead(429, { 'Retry-After': '0' })
      .end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}');
    return true;
  });
  await pushed(t, clientOf(t, registry.host).repository('a'));
  assert.equal(refusals, 0);
});

test('who shares a rate with others hears of the first "too many requests", and before the next turn is waited for', async (t) => {
  let refusals = 3;
  const events: string[] = [];
  const registry = await startMeddling(t, (request, response) => {
    if (request.method !== 'PUT' || !request.url?.includes('/manifests/')) return false;
    events.push(refusals === 0 ? 'taken' : 'refused');
    if (refusals === 0) return false;
    refusals--;
    request.resume();
    response.writeHead(429, { 'Retry-After': new Date(Date.now() + 5000).toUTCString() }).end();
    return true;
  });
  const pace: RequestPace = {
    counts: (action) => action === 'put-manifest',
    turn: async (action) => void events.push(`turn to ${action}`),
    throttled: async (action, seconds = 0) => {
      assert.ok(seconds > 2 && seconds <= 5, `${seconds}`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`too many ${action}`);
    },
  };
  await pushed(t, clientOf(t, registry.host, { pace }).repository('a'));
  const round = ['turn to put-manifest', 'refused', 'too many put-manifest'];
  assert.deepEqual(events, [...round, ...round, ...round, 'turn to put-manifest', 'taken']);
});

test('content that is not what its digest says never becomes a blob', async (t) => {
  const registry = await startMeddling(t, (request, response) => {
    if (request.method !== 'GET' || !request.url?.includes('/blobs/')) return false;
    response.end('something else');
    return true;
  });
  const repository = clientOf(t, registry.host).repository('a');
  const image = await pushed(t, repository);
  const layer = image.layers[0]?.descriptor.digest ?? image.digest;
  await assert.rejects(collect(repository.readBlob(layer)), { code: 'blob/digest-mismatch' });
  const store = await sources(t);
  await assert.rejects(pullImage(repository, 'v1', store, { platform: 'linux/amd64' }), {
    code: 'blob/digest-mismatch',
  });
  assert.equal(await store.has(layer), false);
});

test('a manifest that is not what its digest says is refused', async (t) => {
  const registry = await startMeddling(t, (request, response) => {
    if (request.method !== 'GET' || !request.url?.includes('/manifests/sha256')) return false;
    response.writeHead(200, { 'Content-Type': mediaTypes.ociIndex }).end('{"schemaVersion":2,"manifests":[]}');
    return true;
  });
  const repository = clientOf(t, registry.host).repository('a');
  const image = await pushed(t, repository);
  await assert.rejects(repository.getManifest(image.digest), { code: 'blob/digest-mismatch' });
});

test('a registry that fails is never taken for one that does not have it', async (t) => {
  const registry = await startMeddling(t, (request, response) => {
    if (request.url === '/v2/') return false;
    request.resume();
    response.writeHead(503, { 'Retry-After': '0' }).end();
    return true;
  });
  const repository = clientOf(t, registry.host).repository('a');
  await assert.rejects(repository.headBlob(digestOf(Buffer.from('x'))), { code: 'registry/refused' });
  await assert.rejects(repository.getManifest('v1'), { code: 'registry/refused' });
  const gone = await listen(t, () => {});
  gone.server.close();
  await assert.rejects(clientOf(t, gone.host).repository('a').getManifest('v1'), { code: 'http/unreachable' });
});

test('a place to go on with parameters of its own keeps them', async (t) => {
  const puts: string[] = [];
  const registry = await startMeddling(t, (request, response) => {
    if (request.method === 'POST') {
      request.resume();
      response.writeHead(202, { Location: `http://${request.headers.host}/elsewhere?_state=a%2Bb==&x=1` }).end();
      return true;
    }
    if (request.method !== 'PUT') return false;
    puts.push(request.url ?? '');
    request.resume().on('end', () => response.writeHead(202).end());
    return true;
  });
  const bytes = Buffer.from('content');
  const descriptor = { mediaType: 'x/y', digest: digestOf(bytes), size: bytes.length };
  await clientOf(t, registry.host)
    .repository('a')
    .uploadBlob(descriptor, async function* () {
      yield bytes;
    });
  assert.deepEqual(puts, [`/elsewhere?_state=a%2Bb==&x=1&digest=${encodeURIComponent(descriptor.digest)}`]);
});

test('long lists of tags are read to their end, and circles are noticed', async (t) => {
  let circular = false;
  const registry = await startMeddling(t, (request, response) => {
    const url = new URL(request.url ?? '', 'http://registry.invalid');
    if (!url.pathname.endsWith('/tags/list')) return false;
    const page = Number(url.searchParams.get('last') ?? 0);
    const next = circular ? 0 : page + 1;
    response.writeHead(200, next < 4 ? { Link: `</v2/a/tags/list?last=${next}&n=1000>; rel="next"` } : {});
    response.end(JSON.stringify({ name: 'a', tags: page === 3 ? null : [`t${page}`] }));
    return true;
  });
  const repository = clientOf(t, registry.host).repository('a');
  assert.deepEqual(await repository.tags(), ['t0', 't1', 't2']);
  circular = true;
  await assert.rejects(repository.tags(), { code: 'registry/unexpected-answer' });
});
