import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  BlobStore,
  createRegistryServer,
  type Descriptor,
  digestOf,
  mayStreamTo,
  mediaTypes,
  RegistryClient,
  RepositoryStore,
} from '@mir/oci';
import { GrowingLayer } from '../src/layers/growing-layer.ts';
import { StreamedLayers } from '../src/output/streamed-layers.ts';

type Meddle = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A registry, a layer whose first half is written, and what streams it there. */
async function stage(t: TestContext, meddle: Meddle = () => false) {
  const folder = await mkdtemp(join(tmpdir(), 'mir-streamed-'));
  const blobs = await BlobStore.open(join(folder, 'registry'));
  const repositories = await RepositoryStore.open(blobs);
  const listener = createRegistryServer({ repositories });
  const asked: string[] = [];
  const patched = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    asked.push(request.method ?? '');
    if (request.method === 'PATCH') patched.resolve();
    if (!meddle(request, response)) listener(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new RegistryClient({ registry: `127.0.0.1:${(server.address() as AddressInfo).port}` });
  let lost = 0;
  const streamed = new StreamedLayers(() => {
    lost += 1;
  });
  t.after(async () => {
    await streamed.close();
    await client.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const bytes = randomBytes(700_000);
  const half = bytes.length / 2;
  const path = join(folder, 'unfinished');
  await appendFile(path, bytes.subarray(0, half));
  const growing = new GrowingLayer({ path, sizeBytes: half });
  const descriptor: Descriptor = { mediaType: mediaTypes.ociLayerGzip, digest: digestOf(bytes), size: bytes.length };
  return {
    blobs,
    streamed,
    growing,
    descriptor,
    asked,
    lost: () => lost,
    patched: patched.promise,
    openUploads: () => readdir(repositories.uploadFolder('team/fraud')),
    follow: () => streamed.follow(client.repository('team/fraud'), growing),
    /** It is sent already when the rest of it is written. */
    async finish(): Promise<void> {
      await patched.promise;
      await appendFile(path, bytes.subarray(half));
      growing.grow({ path, sizeBytes: bytes.length - 1 });
      const { digest, size } = descriptor;
      growing.finish({ digest, diffId: digest, sizeBytes: size, uncompressedSizeBytes: size });
    },
  };
}

test('a layer is in the registry when it is whole, sent while it was written', async (t) => {
  const { blobs, streamed, descriptor, follow, finish } = await stage(t);
  follow();
  await finish();
  assert.equal(await streamed.complete(descriptor), true);
  assert.equal(await blobs.isTrue(descriptor.digest), true);
  assert.equal(await streamed.complete(descriptor), false, 'once is enough');
});

const lossy: Readonly<Record<string, Meddle>> = {
  'answers 201 to a part': ({ method }, response) => {
    if (method !== 'PATCH') return false;
    response.writeHead(201, { location: '/v2/team/fraud/blobs/uploads/1', range: '0-699999' }).end();
    return true;
  },
  'has taken less than was sent': (request, response) => {
    if (request.method !== 'PATCH') return false;
    request.resume().once('end', () => {
      response.writeHead(202, { location: '/v2/team/fraud/blobs/uploads/1', range: '0-699998' }).end();
    });
    return true;
  },
  'does not say what it has taken': (request, response) => {
    if (request.method !== 'PATCH') return false;
    request.resume().once('end', () => response.writeHead(202, { location: '/v2/x' }).end());
    return true;
  },
  'refuses it in the end': ({ method }, response) => {
    if (method !== 'PUT') return false;
    response.writeHead(400).end('{"errors":[{"code":"DIGEST_INVALID"}]}');
    return true;
  },
  'wants to know the length': ({ method }, response) => {
    if (method !== 'PATCH') return false;
    response.writeHead(411).end();
    return true;
  },
  'thanks for what it throws away': ({ method }, response) => {
    if (method !== 'PUT') return false;
    response.writeHead(201, { location: '/v2/team/fraud/blobs/x' }).end();
    return true;
  },
};

for (const [what, meddle] of Object.entries(lossy)) {
  test(`a registry that ${what} is remembered, and gets the layer the usual way`, async (t) => {
    const { blobs, streamed, descriptor, follow, finish, lost } = await stage(t, meddle);
    follow();
    await finish();
    assert.equal(await streamed.complete(descriptor), false);
    assert.equal(await blobs.has(descriptor.digest), false);
    assert.equal(lost(), 1);
  });
}

const passing: Readonly<Record<string, Meddle>> = {
  'a connection that is cut': (request) => {
    if (request.method !== 'PATCH') return false;
    request.once('data', () => request.destroy());
    return true;
  },
  'a registry that is overloaded': ({ method }, response) => {
    if (method !== 'PATCH') return false;
    response.writeHead(503).end();
    return true;
  },
  'a connection that is cut at the end': (request) => {
    if (request.method !== 'PUT') return false;
    request.destroy();
    return true;
  },
};

for (const [what, meddle] of Object.entries(passing)) {
  test(`${what} says nothing about streams; no upload is left open`, async (t) => {
    const { streamed, descriptor, follow, finish, lost, openUploads } = await stage(t, meddle);
    follow();
    await finish();
    assert.equal(await streamed.complete(descriptor), false);
    assert.equal(lost(), 0);
    await streamed.close();
    assert.deepEqual(await openUploads(), []);
  });
}

test('a registry that wants another sign-in gets the layer from its first byte', async (t) => {
  let refusals = 0;
  const expired: Meddle = (request, response) => {
    if (request.method !== 'PATCH' || refusals > 0) return false;
    refusals += 1;
    request.once('data', () => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end());
    return true;
  };
  const { blobs, streamed, descriptor, follow, finish } = await stage(t, expired);
  follow();
  await finish();
  assert.equal(await streamed.complete(descriptor), true);
  assert.equal(await blobs.isTrue(descriptor.digest), true);
});

test('of a layer that fails, that is not wanted, or that is not whole when the build ends, nothing stays in the registry', async (t) => {
  const endings: Readonly<Record<string, (one: Awaited<ReturnType<typeof stage>>) => Promise<unknown>>> = {
    fails: async ({ growing, patched }) => {
      await patched;
      growing.fail(new Error('the wheel was damaged'));
    },
    'is not wanted': async ({ finish, growing }) => {
      await finish();
      await growing.layer;
    },
    'is not whole': ({ patched }) => patched,
    'is hardly begun': () => Promise.resolve(),
  };
  for (const [what, end] of Object.entries(endings)) {
    const one = await stage(t);
    one.follow();
    await end(one);
    await one.streamed.close();
    assert.equal(one.asked.at(-1), 'DELETE', what);
    assert.deepEqual(await one.openUploads(), [], what);
    assert.equal(await one.blobs.has(one.descriptor.digest), false, what);
    assert.equal(one.lost(), 0, what);
  }
});

test('a layer that is whole, and a build that has ended, are not followed any more', async (t) => {
  const whole = await stage(t);
  whole.growing.finish({
    digest: whole.descriptor.digest,
    diffId: whole.descriptor.digest,
    sizeBytes: 1,
    uncompressedSizeBytes: 1,
  });
  whole.follow();
  const ended = await stage(t);
  await ended.streamed.close();
  ended.follow();
  for (const { asked, streamed } of [whole, ended]) {
    await streamed.close();
    assert.deepEqual(asked, []);
  }
});

test('registries that are known to lose data are not tried', () => {
  assert.equal(mayStreamTo('123456789012.dkr.ecr.eu-central-1.amazonaws.com'), false);
  assert.equal(mayStreamTo('123456789012.dkr.ecr-fips.us-east-1.amazonaws.com:443'), false);
  assert.equal(mayStreamTo('public.ecr.aws'), false);
  assert.equal(mayStreamTo('registry.example.com:5000'), true);
});
