import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { HttpClient } from '@mir/http';
import fc from 'fast-check';
import {
  type BlobStore,
  digestOf,
  fixedCredentials,
  Image,
  mediaTypes,
  pullImage,
  pushImage,
  RegistryClient,
  type RepositoryClient,
} from '../src/index.ts';
import { sources, startMeddling } from './client-fixture.ts';
import { afterwards, collect, file, listen, noise, storeLayer } from './registry-fixture.ts';

type Request = IncomingMessage;
type Response = ServerResponse;
/** Answers itself and says so, or lets the registry answer. */
type Meddle = (request: Request, response: Response, context: Context) => boolean;
type Context = { readonly image: Image; readonly layer: Buffer; readonly otherHost: string };

/** One way in which a registry, or something before it, goes wrong. */
type Attack = {
  readonly name: string;
  readonly while: 'push' | 'pull';
  /** Made anew for every run: it may count. */
  readonly meddle: () => Meddle;
  /** The faults that may come of it; none: it has to succeed. */
  readonly faults: readonly string[];
};

const isGet = (what: 'blobs/sha256' | 'manifests', request: Request) =>
  request.method === 'GET' && request.url?.includes(`/a/${what}`) === true;
const isLayer = (request: Request, { image }: Context) =>
  isGet('blobs/sha256', request) && request.url?.includes(image.layers[0]?.descriptor.digest ?? '-') === true;
const isUpload = (method: string) => (request: Request) =>
  request.method === method && request.url?.includes('/a/blobs/uploads/') === true;
const isManifestPut = (request: Request) => request.method === 'PUT' && request.url?.includes('/a/manifests/') === true;
const isHead = (request: Request) => request.method === 'HEAD' && request.url?.includes('/a/blobs/') === true;

type Answer = (request: Request, response: Response, context: Context) => unknown;

/** Answers what matches, so many times at most. */
function answering(
  matches: (request: Request, context: Context) => boolean,
  answer: Answer,
  times = Number.POSITIVE_INFINITY,
): () => Meddle {
  return () => {
    let left = times;
    return (request, response, context) => {
      if (left === 0 || !matches(request, context)) return false;
      left -= 1;
      answer(request, response, context);
      return true;
    };
  };
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (request, response) => {
    request.resume();
    response.writeHead(code, headers).end();
  };
const html: Answer = (request, response) => {
  request.resume();
  response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html><body>Welcome to the hotel</body></html>');
};
const cut: Answer = (request) => request.socket.destroy();
const silence: Answer = (request) => void request.resume();
const soon = new Date(Date.now() - 1000).toUTCString();

const pull = (name: string, meddle: () => Meddle, ...faults: string[]): Attack => ({
  name,
  while: 'pull',
  meddle,
  faults,
});
const push = (name: string, meddle: () => Meddle, ...faults: string[]): Attack => ({
  name,
  while: 'push',
  meddle,
  faults,
});
const layers = (answer: Answer, times?: number) => answering(isLayer, answer, times);
const manifests = (answer: Answer, times?: number) => answering((r) => isGet('manifests', r), answer, times);

const attacks: readonly Attack[] = [
  pull('cuts the connection before a blob', layers(cut, 1)),
  pull('cuts the connection before every blob', layers(cut), 'http/interrupted'),
  pull(
    'cuts a blob in the middle, and goes on',
    layers((_, response, { layer }) => {
      response.writeHead(200, { 'Content-Length': layer.length });
      response.write(layer.subarray(0, 100_000), () => response.destroy());
    }, 1),
  ),
  pull(
    'cuts a blob in the middle, and then starts over with other bytes',
    layers((request, response, { layer }) => {
      if (request.headers.range === undefined) {
        response.writeHead(200, { 'Content-Length': layer.length });
        response.write(layer.subarray(0, 100_000), () => response.destroy());
      } else response.writeHead(200, { 'Content-Length': 3 }).end('new');
    }),
    'http/interrupted',
  ),
  pull(
    'gives the wrong part when it is to go on',
    layers((request, response, { layer }) => {
      if (request.headers.range === undefined) {
        response.writeHead(200, { 'Content-Length': layer.length });
        response.write(layer.subarray(0, 100_000), () => response.destroy());
      } else {
        const range = `bytes 0-${layer.length - 1}/${layer.length}`;
        response.writeHead(206, { 'Content-Length': layer.length, 'Content-Range': range }).end(layer);
      }
    }),
    'http/interrupted',
  ),
  pull(
    'announces fewer bytes than it has',
    layers((_, response, { layer }) => {
      response.writeHead(200, { 'Content-Length': 1000 }).end(layer.subarray(0, 1000));
    }),
    'blob/digest-mismatch',
  ),
  pull(
    'announces more bytes than it has',
    layers((_, response, { layer }) => {
      response.writeHead(200, { 'Content-Length': layer.length + 10 });
      response.write(layer, () => response.destroy());
    }),
    'http/interrupted',
    'http/status',
    'blob/digest-mismatch',
  ),
  pull(
    'sends more bytes than it should',
    layers((_, response, { layer }) => void response.end(Buffer.concat([layer, Buffer.from('more')]))),
    'blob/digest-mismatch',
  ),
  pull(
    'flips a bit',
    layers((_, response, { layer }) => {
      const flipped = Buffer.from(layer);
      flipped.writeUInt8(flipped.readUInt8(5000) ^ 1, 5000);
      response.end(flipped);
    }),
    'blob/digest-mismatch',
  ),
  pull(
    'gives another blob',
    layers((_, response, { image }) => void response.end(image.configBytes)),
    'blob/digest-mismatch',
  ),
  pull('gives an empty blob', layers(status(200)), 'blob/digest-mismatch'),
  pull('gives a page instead of a blob', layers(html), 'blob/digest-mismatch'),
  pull('gives a page instead of a manifest', manifests(html), 'manifest/malformed', 'manifest/unsupported'),
  pull('gives an empty manifest', manifests(status(200)), 'manifest/malformed'),
  pull(
    'gives half a manifest',
    manifests((_, response, { image }) => void response.end(image.manifestBytes.subarray(0, 100))),
    'manifest/malformed',
  ),
  pull(
    'gives an endless manifest',
    manifests((_, response) => void response.end(Buffer.alloc(5 << 20, ' '))),
    'http/too-large',
    'manifest/too-large',
  ),
  pull(
    'gives another manifest than its header says',
    manifests((_, response, { image }) => {
      const headers = {
        'Content-Type': mediaTypes.ociManifest,
        'Docker-Content-Digest': digestOf(Buffer.from('other')),
      };
      response.writeHead(200, headers).end(image.manifestBytes);
    }),
    'blob/digest-mismatch',
  ),
  pull('knows no manifest', manifests(status(404)), 'manifest/unknown'),
  pull('has lost a blob', layers(status(404)), 'blob/unknown'),
  pull('fails once (500)', layers(status(500), 1)),
  pull('fails always (500)', layers(status(500)), 'http/status'),
  pull('is overloaded for a moment (503)', manifests(status(503, { 'Retry-After': '0' }), 2)),
  pull('is overloaded for good (503)', manifests(status(503, { 'Retry-After': '0' })), 'registry/refused'),
  pull('asks for patience without saying how long (429)', layers(status(429), 1)),
  pull('asks for patience until a moment (429)', layers(status(429, { 'Retry-After': soon }), 1)),
  pull('asks for patience in words that make no sense (429)', layers(status(429, { 'Retry-After': 'later' }), 1)),
  pull('asks for patience for ever (429)', layers(status(429, { 'Retry-After': '0' })), 'http/status'),
  pull('never answers', layers(silence), 'http/timeout'),
  pull('never answers once', layers(silence, 1)),
  pull(
    'stops in the middle of a blob',
    layers((_, response, { layer }) => {
      response.writeHead(200, { 'Content-Length': layer.length });
      response.write(layer.subarray(0, 1000));
    }, 1),
  ),
  pull(
    'drips',
    layers((_, response, { layer }) => {
      response.writeHead(200, { 'Content-Length': layer.length });
      let at = 0;
      const drip = () => {
        response.write(layer.subarray(at, at + 30_000));
        at += 30_000;
        if (at < layer.length) setTimeout(drip, 20);
        else response.end();
      };
      drip();
    }),
  ),
  pull(
    'sends to another host, which has it',
    layers((request, response, { otherHost }) =>
      status(307, { Location: `http://${otherHost}/true${request.url}` })(request, response, {} as Context),
    ),
  ),
  pull(
    'sends to another host, which lies',
    layers((request, response, { otherHost }) =>
      status(307, { Location: `http://${otherHost}/lie` })(request, response, {} as Context),
    ),
    'blob/digest-mismatch',
  ),
  pull(
    'sends in a circle',
    layers((request, response) => status(307, { Location: request.url ?? '' })(request, response, {} as Context)),
    'http/redirect',
  ),
  pull('sends to no address', layers(status(307, { Location: 'ftp://nowhere/' })), 'http/redirect'),
  pull('wants no credentials that there are', manifests(status(401)), 'registry/unauthorized'),
  pull('forbids', manifests(status(403)), 'registry/unauthorized'),

  push('cuts the connection when an upload begins', answering(isUpload('POST'), cut, 1)),
  push('cuts the connection whenever an upload begins', answering(isUpload('POST'), cut), 'http/interrupted'),
  push(
    'cuts an upload in the middle',
    answering(isUpload('PUT'), (request) => request.once('data', () => request.socket.destroy()), 2),
  ),
  push(
    'cuts every upload in the middle',
    answering(isUpload('PUT'), (request) => request.once('data', () => request.socket.destroy())),
    'http/interrupted',
  ),
  push('fails at the end of an upload once (500)', answering(isUpload('PUT'), status(500), 1)),
  push('fails at the end of every upload (500)', answering(isUpload('PUT'), status(500)), 'registry/refused'),
  push('has lost the upload once (404)', answering(isUpload('PUT'), status(404), 1)),
  push('asks for patience (429)', answering(isUpload('PUT'), status(429, { 'Retry-After': '0' }), 2)),
  push('asks for patience for ever (429)', answering(isUpload('PUT'), status(429)), 'registry/refused'),
  push('does not say where an upload goes on', answering(isUpload('POST'), status(202)), 'registry/unexpected-answer'),
  push(
    'says nonsense about where an upload goes on',
    answering(isUpload('POST'), status(202, { Location: 'http://[' })),
    'registry/unexpected-answer',
  ),
  push('gives a page when an upload begins', answering(isUpload('POST'), html), 'registry/refused'),
  push('takes an upload and throws it away', answering(isUpload('PUT'), status(201)), 'registry/refused'),
  push(
    'takes an upload under another digest',
    answering(isUpload('PUT'), status(201, { 'Docker-Content-Digest': digestOf(Buffer.from('other')) })),
    'registry/unexpected-answer',
  ),
  push(
    'says of what it lacks that it has it',
    answering(isHead, (request, response, { image }) => {
      const { descriptor } = image.layers[0] ?? image;
      const size = request.url?.includes(descriptor.digest) === true ? descriptor.size : image.configBytes.length;
      status(200, { 'Content-Length': String(size) })(request, response, {} as Context);
    }),
    'registry/refused',
  ),
  push(
    'says of what it lacks that it has it, of another size',
    answering(isHead, status(200, { 'Content-Length': '1' })),
  ),
  push(
    'does not say how large what it has is',
    answering(isHead, (request, response) => {
      request.resume();
      response.writeHead(200, { 'Transfer-Encoding': 'chunked' }).end();
    }),
    'registry/unexpected-answer',
  ),
  push('calls a blob wrong that is right (400)', answering(isUpload('PUT'), status(400)), 'registry/refused'),
  push(
    'takes a manifest under another digest',
    answering(isManifestPut, status(201, { 'Docker-Content-Digest': digestOf(Buffer.from('other')) })),
    'blob/digest-mismatch',
  ),
  push('refuses the manifest', answering(isManifestPut, status(413)), 'registry/refused'),
  push('is away for the manifest', answering(isManifestPut, status(503, { 'Retry-After': '0' }), 1)),
  push('cuts the connection at the manifest', answering(isManifestPut, cut, 1)),
  push('never answers to the manifest', answering(isManifestPut, silence), 'http/timeout'),
  push(
    'lets an upload go on at another host',
    answering(isUpload('POST'), (request, response, { otherHost }) =>
      status(202, { Location: `http://${otherHost}/lie` })(request, response, {} as Context),
    ),
    'registry/refused',
  ),
];

/** A registry behind an attack, and what is needed to use it. */
async function scene(t: TestContext, attack: Pick<Attack, 'meddle'>) {
  let meddle: Meddle | undefined;
  const leaks: string[] = [];
  const blobs = await sources(t);
  const layer = await storeLayer(blobs, [file('noise', noise(400_000))]);
  const image = Image.create({ config: { architecture: 'amd64', os: 'linux' }, layers: [layer] });
  const bytes = await collect(blobs.read(layer.descriptor.digest));
  const other = await listen(t, (request, response) => {
    if (request.headers.authorization !== undefined) leaks.push(request.url ?? '');
    request.resume();
    if (request.method === 'PUT') response.writeHead(201).end();
    else response.end(request.url?.startsWith('/true') === true ? bytes : 'a lie');
  });
  const context = { image, layer: bytes, otherHost: other.host };
  const registry = await startMeddling(t, (request, response) => {
    // A door, so that there is a credential that could leak.
    if (request.headers.authorization === undefined) {
      request.resume();
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
      return true;
    }
    return meddle?.(request, response, context) ?? false;
  });
  const http = new HttpClient({ idleTimeoutSeconds: 1, attempts: 3 });
  afterwards(t, () => http.close());
  const credentials = fixedCredentials(registry.host, 'ada', 'secret');
  const repository = new RegistryClient({ registry: registry.host, http, credentials }).repository('a');
  const start = () => {
    meddle = attack.meddle();
  };
  const stop = () => {
    meddle = undefined;
  };
  return { registry, repository, blobs, image, leaks, start, stop };
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (thrown) {
    return (thrown as { code?: string }).code ?? String(thrown);
  }
}

async function assertNothingHalf(store: BlobStore): Promise<void> {
  for await (const { digest } of store.list()) assert.equal(await store.isTrue(digest), true);
  assert.deepEqual(await readdir(join(store.directory, 'tmp')).catch(() => []), []);
}

function assertExpected(attack: Attack, code: string | undefined): void {
  if (attack.faults.length === 0) assert.equal(code, undefined);
  else assert.ok(attack.faults.includes(code ?? 'success'), `${code ?? 'success'}, not ${attack.faults.join(' or ')}`);
}

const pullOf = (repository: RepositoryClient, store: BlobStore) =>
  pullImage(repository, 'v1', store, { platform: 'linux/amd64' });

describe('a registry that goes wrong leads to a typed fault or to success, and the next run works', {
  concurrency: 8,
}, () => {
  for (const attack of attacks.filter((one) => one.while === 'pull')) {
    test(`pull: ${attack.name}`, async (t) => {
      const { repository, blobs, image, leaks, start, stop } = await scene(t, attack);
      await pushImage(repository, image, blobs, { tags: ['v1'] });
      const store = await sources(t);
      start();
      assertExpected(attack, await codeOf(pullOf(repository, store)));
      stop();
      await assertNothingHalf(store);
      assert.deepEqual(leaks, [], 'credentials went to another host');
      assert.equal((await pullOf(repository, store)).image.digest, image.digest);
      await assertNothingHalf(store);
    });
  }

  for (const attack of attacks.filter((one) => one.while === 'push')) {
    test(`push: ${attack.name}`, async (t) => {
      const { registry, repository, blobs, image, leaks, start, stop } = await scene(t, attack);
      start();
      const code = await codeOf(pushImage(repository, image, blobs, { tags: ['v1'] }));
      assertExpected(attack, code);
      stop();
      assert.deepEqual(leaks, [], 'credentials went to another host');
      assert.equal(
        (await registry.repositories.getManifest('a', 'v1'))?.digest,
        code === undefined ? image.digest : undefined,
      );
      await pushImage(repository, image, blobs, { tags: ['v1'] });
      const store = await sources(t);
      assert.equal((await pullOf(repository, store)).image.digest, image.digest);
    });
  }
});

test('there are as many ways to go wrong as were promised', () => {
  assert.ok(attacks.length >= 40, `${attacks.length}`);
});

test('a download that is cut at any byte goes on there', async (t) => {
  let position = 0;
  const cutAt: Pick<Attack, 'meddle'> = {
    meddle: () => (request, response, context) => {
      if (!isLayer(request, context) || request.headers.range !== undefined) return false;
      response.writeHead(200, { 'Content-Length': context.layer.length });
      response.write(context.layer.subarray(0, position), () => response.destroy());
      return true;
    },
  };
  const { repository, blobs, image, start } = await scene(t, cutAt);
  await pushImage(repository, image, blobs, { tags: ['v1'] });
  start();
  const { digest, size } = image.layers[0]?.descriptor ?? image.descriptor;
  const edges = [0, 1, size - 1];
  const positions = fc.oneof(fc.constantFrom(...edges), fc.nat(size - 1));
  await fc.assert(
    fc.asyncProperty(positions, async (at) => {
      position = at;
      assert.equal(digestOf(await collect(repository.readBlob(digest))), digest);
    }),
    { numRuns: 12 },
  );
});

test('an upload that is cut at any byte is begun anew, and leaves nothing half', async (t) => {
  let position = 0;
  let isCut = false;
  const cutAt: Pick<Attack, 'meddle'> = {
    meddle: () => (request) => {
      if (!isUpload('PUT')(request) || isCut) return false;
      isCut = true;
      let received = 0;
      if (position === 0) request.socket.destroy();
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received >= position) request.socket.destroy();
      });
      return true;
    },
  };
  const { registry, repository, blobs, image, start } = await scene(t, cutAt);
  start();
  const { descriptor } = image.layers[0] ?? image;
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.constantFrom(0, 1, descriptor.size), fc.nat(descriptor.size)), async (at) => {
      position = at;
      isCut = false;
      const upload = repository.uploadBlob(descriptor, () => blobs.read(descriptor.digest), { skipCheck: true });
      assert.equal(await upload, 'uploaded');
      assert.equal(await registry.blobs.isTrue(descriptor.digest), true);
    }),
    { numRuns: 12 },
  );
});

test('a mount that the registry refuses becomes an upload', async (t) => {
  for (const refusal of [400, 401, 403, 404, 405, 500]) {
    const refuses: Pick<Attack, 'meddle'> = {
      meddle: answering((request) => request.url?.includes('mount=') === true, status(refusal)),
    };
    const { repository, blobs, image, start } = await scene(t, refuses);
    start();
    await pushImage(repository, image, blobs, { tags: ['v1'], mountFrom: () => ['pool'] });
    assert.equal(await repository.headManifest('v1'), image.digest);
  }
});
