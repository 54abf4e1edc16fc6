import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { accountCheck, createRegistryServer, digestOf } from '../src/index.ts';
import { listen, noise, startRegistry, storeImage } from './registry-fixture.ts';

type Sent = { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: Uint8Array };

async function ask(host: string, path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Response> {
  return await fetch(`http://${host}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: Uint8Array.from(body) }),
    redirect: 'manual',
  });
}

async function codeOf(response: Response): Promise<string | undefined> {
  return ((await response.json()) as { errors: { code: string }[] }).errors[0]?.code;
}

test('every refusal has the status and the code of the specification', async (t) => {
  const { host, errors } = await startRegistry(t);
  const none = digestOf(Buffer.from('none'));
  for (const [method, path, status, code] of [
    ['GET', '/v2/a/manifests/v1', 404, 'MANIFEST_UNKNOWN'],
    ['GET', `/v2/a/blobs/${none}`, 404, 'BLOB_UNKNOWN'],
    ['GET', '/v2/a/blobs/sha256:12', 400, 'DIGEST_INVALID'],
    ['DELETE', `/v2/a/blobs/${none}`, 404, 'BLOB_UNKNOWN'],
    ['DELETE', '/v2/a/manifests/v1', 404, 'MANIFEST_UNKNOWN'],
    ['GET', '/v2/a/tags/list', 404, 'NAME_UNKNOWN'],
    ['GET', '/v2/Upper/tags/list', 400, 'NAME_INVALID'],
    ['GET', '/v2/a/..%2f..%2fb/tags/list', 400, 'NAME_INVALID'],
    ['GET', '/v2/a/manifests/..%2fx', 400, 'MANIFEST_INVALID'],
    ['PATCH', '/v2/a/blobs/uploads/00000000-0000-0000-0000-000000000000', 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['PATCH', '/v2/a/blobs/uploads/..%2f..%2fx', 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['PUT', '/v2/a/manifests/v1', 400, 'MANIFEST_INVALID'],
    ['POST', '/v2/a/manifests/v1', 405, 'UNSUPPORTED'],
    ['GET', '/elsewhere', 404, 'UNSUPPORTED'],
  ] as const) {
    const response = await ask(host, path, { method });
    assert.deepEqual([response.status, await codeOf(response)], [status, code], `${method} ${path}`);
  }
  assert.deepEqual(errors, []);
});

test('an upload goes on after the server was started anew', async (t) => {
  const { host, repositories } = await startRegistry(t);
  const content = noise(300_000);
  const begun = await ask(host, '/v2/a/blobs/uploads/', { method: 'POST' });
  const place = begun.headers.get('location') ?? '';
  await ask(host, place, { method: 'PATCH', body: content.subarray(0, 100_000) });
  const second = await listen(t, createRegistryServer({ repositories }));
  assert.equal((await ask(second.host, place)).headers.get('range'), '0-99999');
  const wrong = await ask(second.host, place, {
    method: 'PATCH',
    headers: { 'content-range': '50-149' },
    body: noise(100),
  });
  assert.equal(wrong.status, 416);
  await ask(second.host, place, {
    method: 'PATCH',
    headers: { 'content-range': '100000-199999' },
    body: content.subarray(100_000, 200_000),
  });
  const ended = await ask(host, `${place}?digest=${digestOf(content)}`, {
    method: 'PUT',
    body: content.subarray(200_000),
  });
  assert.equal(ended.status, 201);
  assert.deepEqual(Buffer.from(await (await ask(host, `/v2/a/blobs/${digestOf(content)}`)).arrayBuffer()), content);
});

test('what arrived before a connection broke is kept', async (t) => {
  const { host, errors } = await startRegistry(t);
  const place = (await ask(host, '/v2/a/blobs/uploads/', { method: 'POST' })).headers.get('location') ?? '';
  const [name = '', port = ''] = host.split(':');
  const socket = connect(Number(port), name);
  await once(socket, 'connect');
  socket.write(`PATCH ${place} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(400)}`);
  for (let range: string | null = null; range !== '0-399'; ) range = (await ask(host, place)).headers.get('range');
  assert.equal((await ask(host, place, { method: 'PATCH', body: noise(5) })).status, 409, 'one part at a time');
  socket.destroy();
  let last: Response | undefined;
  for (let status = 409; status === 409; status = last.status)
    last = await ask(host, place, { method: 'PATCH', body: Buffer.from('y') });
  assert.equal(last?.headers.get('range'), '0-400');
  const digest = digestOf(Buffer.from(`${'x'.repeat(400)}y`));
  assert.equal((await ask(host, `${place}?digest=${digest}`, { method: 'PUT' })).status, 201);
  assert.deepEqual(errors, []);
});

test('a refusal that has to wait for the answer before it on the connection arrives', {
  timeout: 20_000,
}, async (t) => {
  const { host } = await startRegistry(t);
  const content = noise(1_000_000);
  const { headers } = await ask(host, '/v2/a/blobs/uploads/', { method: 'POST' });
  const digest = digestOf(content);
  await ask(host, `${headers.get('location')}?digest=${digest}`, { method: 'PUT', body: content });
  const [name = '', port = ''] = host.split(':');
  const socket = connect(Number(port), name);
  t.after(() => socket.destroy());
  const bad = '/v2/a/manifests/sha256:bad';
  socket.write(
    `GET /v2/a/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\nPUT ${bad} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  );
  let received = '';
  for await (const chunk of socket.setEncoding('latin1')) {
    received += chunk;
    if (received.includes('DIGEST_INVALID')) break;
  }
  assert.equal(received.match(/HTTP\/1\.1 (200|400)/g)?.length, 2);
});

test('a digest alone gives no right to content of another repository', async (t) => {
  const { host, blobs, repositories } = await startRegistry(t);
  const image = await storeImage(blobs);
  await blobs.put(image.configBytes);
  await repositories.putManifest('private', image.manifestBytes, image.mediaType, { tags: ['v1'] });
  const layer = image.layers[0]?.descriptor.digest;
  assert.equal((await ask(host, `/v2/private/blobs/${layer}`)).status, 200);
  assert.equal((await ask(host, `/v2/other/blobs/${layer}`)).status, 404);
  const put = await ask(host, '/v2/other/manifests/v1', {
    method: 'PUT',
    headers: { 'content-type': image.mediaType },
    body: image.manifestBytes,
  });
  assert.deepEqual([put.status, await codeOf(put)], [404, 'MANIFEST_BLOB_UNKNOWN']);
});

test('a manifest larger than the limit is refused without being read', async (t) => {
  const { host } = await startRegistry(t);
  const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
  const announced = await ask(host, '/v2/a/manifests/v1', {
    method: 'PUT',
    headers,
    body: Buffer.alloc(5_000_000, 32),
  });
  assert.deepEqual([announced.status, await codeOf(announced)], [413, 'MANIFEST_INVALID']);
  const [name, port] = host.split(':');
  const sent = request({ host: name, port, path: '/v2/a/manifests/v1', method: 'PUT', headers });
  sent.on('error', () => {});
  const answered = once(sent, 'response') as Promise<[{ statusCode: number }]>;
  for (let at = 0; at < 6; at++) sent.write(Buffer.alloc(1_000_000, 32));
  assert.equal((await answered)[0].statusCode, 413);
  sent.destroy();
});

test('without the right user name and password nothing is answered', async (t) => {
  const { host, blobs, repositories } = await startRegistry(t, {
    access: accountCheck(new Map([['ada', 'se:cret']])),
  });
  const image = await storeImage(blobs);
  await blobs.put(image.configBytes);
  await repositories.putManifest('a', image.manifestBytes, image.mediaType, { tags: ['v1'] });
  const status = async (text: string | undefined, path = '/v2/a/manifests/v1'): Promise<number> =>
    (
      await ask(host, path, {
        headers: text === undefined ? {} : { authorization: `Basic ${Buffer.from(text).toString('base64')}` },
      })
    ).status;
  assert.equal(await status('ada:se:cret'), 200);
  for (const wrong of [undefined, 'ada:', 'ada:se', ':', 'bob:se:cret', 'ada', 'ADA:se:cret'])
    assert.equal(await status(wrong), 401, wrong);
  for (const path of ['/v2/', '/v2/_catalog', '/v2/a/tags/list', '/elsewhere'])
    assert.equal(await status(undefined, path), 401, path);
  assert.match((await ask(host, '/v2/')).headers.get('www-authenticate') ?? '', /^Basic realm=/);
});
