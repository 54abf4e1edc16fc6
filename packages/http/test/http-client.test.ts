import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isFault } from '@mir/core';
import { HttpClient } from '@mir/http';
import { proxySettings } from '../src/proxy-settings.ts';

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(t: TestContext): HttpClient {
  const made = new HttpClient({ idleTimeoutSeconds: 5 });
  t.after(() => made.close());
  return made;
}

async function read(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += Buffer.from(chunk).toString('latin1');
  return text;
}

test('credentials stay with the host they were given for', async (t) => {
  const seen: (string | undefined)[] = [];
  const other = await serve(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end('file');
  });
  const index = await serve(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(307, { location: request.url === '/same' ? '/else' : `${other}/file` }).end();
    if (request.url === '/else') seen.push('followed');
  });
  const response = await client(t).send({ url: `${index}/file`, headers: { authorization: 'Basic c2VjcmV0' } });
  assert.equal(await response.text(100), 'file');
  assert.deepEqual(seen, ['Basic c2VjcmV0', undefined]);
});

test('a loop of redirects ends in a fault', async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(302, { location: '/again' }).end());
  await assert.rejects(client(t).send({ url }), (fault) => isFault(fault, 'http/redirect'));
});

test('a server that asks for patience is asked again after the time it names', async (t) => {
  const times: number[] = [];
  const url = await serve(t, (_, response) => {
    times.push(performance.now());
    if (times.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
    else response.end('now');
  });
  assert.equal(await (await client(t).send({ url })).text(10), 'now');
  assert.ok((times[1] ?? 0) - (times[0] ?? 0) > 900, 'it waited for the second that was asked for');
});

test('a POST is not sent twice unless it may be', async (t) => {
  let posts = 0;
  const url = await serve(t, (request, response) => {
    request.resume();
    posts += 1;
    response.writeHead(503).end();
  });
  assert.equal((await client(t).send({ url, method: 'POST', body: Buffer.from('x') })).status, 503);
  assert.equal(posts, 1);
});

const content = randomBytes(1_000_000);

function serveRange(request: IncomingMessage, response: ServerResponse, sentBytes: number): void {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': content.length - start,
    ...(start > 0 && { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }),
  });
  const end = Math.min(start + sentBytes, content.length);
  response.write(content.subarray(start, end), () => (end < content.length ? response.destroy() : response.end()));
}

test('a download whose connection breaks goes on where it broke', async (t) => {
  const starts: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    starts.push(request.headers.range);
    serveRange(request, response, 400_000);
  });
  const download = await client(t).download(url);
  assert.equal(download.sizeBytes, content.length);
  assert.equal(await read(download.chunks), content.toString('latin1'));
  assert.equal(starts.length, 3);
});

test('a download fills the room that it is given again and again, and goes on where it broke', async (t) => {
  const url = await serve(t, (request, response) => serveRange(request, response, 400_000));
  for (const roomBytes of [1000, 65_536, 1_000_000, 2_000_000]) {
    const room = Buffer.alloc(roomBytes);
    const parts: Buffer[] = [];
    for await (const chunk of (await client(t).download(url, { room })).chunks) {
      assert.equal(chunk.buffer, room.buffer);
      parts.push(Buffer.from(chunk));
      await delay(0);
      room.fill(0);
    }
    assert.ok(Buffer.concat(parts).equals(content), `a room of ${roomBytes} bytes`);
    // Where the connection broke, and at the end, a room is handed on before it is full.
    assert.ok(
      parts.length <= Math.ceil(content.length / roomBytes) + 2,
      `${parts.length} pieces of ${roomBytes} bytes`,
    );
  }
});

test('a gathered download that nobody reads to its end lets go of its connection', { timeout: 20_000 }, async (t) => {
  const ended = Promise.withResolvers<void>();
  const url = await serve(t, (_, response) => {
    response.once('close', ended.resolve);
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 500_000));
  });
  for await (const _ of (await client(t).download(url, { room: Buffer.alloc(1000) })).chunks) break;
  await ended.promise;
});

test('a download that cannot be resumed fails instead of being short', async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, 1000), () => response.destroy());
  });
  for (const options of [{}, { room: Buffer.alloc(4000) }]) {
    const download = await client(t).download(url, options);
    await assert.rejects(read(download.chunks), (fault) => isFault(fault, 'http/interrupted'));
  }
});

test('asking for a part of a file never gives the whole', async (t) => {
  const url = await serve(t, (_, response) => response.end(content));
  await assert.rejects(client(t).download(url, { range: { start: 5, length: 10 } }), (fault) =>
    isFault(fault, 'http/status'),
  );
});

test('an address where nobody listens is unreachable, and the fault shows no credentials', async (t) => {
  const url = await serve(t, () => undefined);
  const port = new URL(url).port;
  const once = new HttpClient({ attempts: 1 });
  t.after(() => once.close());
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const free = (closed.address() as AddressInfo).port;
  await new Promise((resolve) => closed.close(resolve));
  assert.notEqual(String(free), port);
  await assert.rejects(once.send({ url: `http://user:secret@127.0.0.1:${free}/x?token=secret` }), (fault) => {
    assert.ok(isFault(fault, 'http/unreachable'));
    assert.doesNotMatch(JSON.stringify(fault), /secret/);
    return true;
  });
});

test('an answer longer than its limit is refused', async (t) => {
  const url = await serve(t, (_, response) => response.end(content));
  const response = await client(t).send({ url });
  await assert.rejects(response.bytes(1000), (fault) => isFault(fault, 'http/too-large'));
});

test('a server that falls silent is not waited for, before its answer and in the middle of it', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/middle') response.writeHead(200, { 'content-length': 10 }).write('half');
  });
  const impatient = new HttpClient({ attempts: 1, idleTimeoutSeconds: 0.2 });
  t.after(() => impatient.close());
  await assert.rejects(impatient.send({ url }), (fault) => isFault(fault, 'http/timeout'));
  const response = await impatient.send({ url: `${url}/middle` });
  await assert.rejects(response.bytes(100), (fault) => isFault(fault, 'http/timeout'));
});

test('who reads slowly is not taken for a silent server', async (t) => {
  const url = await serve(t, (_, response) => response.end(content));
  const impatient = new HttpClient({ attempts: 1, idleTimeoutSeconds: 0.1 });
  t.after(() => impatient.close());
  let sizeBytes = 0;
  for await (const chunk of (await impatient.send({ url })).body) {
    // Longer than the server may be silent, while what it sent waits here.
    if (sizeBytes === 0) await delay(400);
    sizeBytes += chunk.length;
  }
  assert.equal(sizeBytes, content.length);
});

test('a request that nobody wants any more ends at once, also while its answer is read', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/middle') response.writeHead(200, { 'content-length': 10 }).write('half');
  });
  const before = new AbortController();
  const sending = client(t).send({ url, signal: before.signal });
  before.abort();
  await assert.rejects(sending, { name: 'AbortError' });
  const during = new AbortController();
  const response = await client(t).send({ url: `${url}/middle`, signal: during.signal });
  const reading = response.bytes(100);
  during.abort();
  await assert.rejects(reading, { name: 'AbortError' });
});

test('a body whose chunks share one room arrives as it was, also while nobody reads it at first', async (t) => {
  const url = await serve(t, async (request, response) => {
    const received: Buffer[] = [];
    // What was sent by then fills the connection's buffers.
    await new Promise((resolve) => setImmediate(resolve));
    for await (const chunk of request) received.push(chunk as Buffer);
    response.end(Buffer.concat(received));
  });
  const room = Buffer.alloc(256 * 1024);
  const sizes = [1, 100, 5000, room.length, 17, room.length, 3, 3];
  const body = async function* () {
    for (const [number, size] of sizes.entries()) yield room.fill(65 + number).subarray(0, size);
  };
  const expected = sizes.map((size, number) => String.fromCharCode(65 + number).repeat(size)).join('');
  const response = await client(t).send({ url, method: 'PUT', body });
  assert.ok((await response.text(expected.length)) === expected);
});

test('a body that breaks off breaks the request, and its error is told', async (t) => {
  const url = await serve(t, (request) => request.resume());
  const sending = client(t).send({
    url,
    method: 'PUT',
    headers: { 'content-length': '10' },
    body: async function* () {
      yield Buffer.from('half');
      throw new Error('the disk is gone');
    },
  });
  await assert.rejects(sending, /the disk is gone/);
});

test('requests go through the proxy that is named', async (t) => {
  const asked: (string | undefined)[] = [];
  const proxy = await serve(t, (request, response) => {
    asked.push(request.url);
    response.end('by proxy');
  });
  const proxied = new HttpClient({ proxy });
  t.after(() => proxied.close());
  const response = await proxied.send({ url: 'http://archive.invalid/file?x=1' });
  assert.equal(await response.text(100), 'by proxy');
  assert.deepEqual(asked, ['http://archive.invalid/file?x=1']);
});

test('an address of IPv6 is reached', async (t) => {
  const server = createServer((request, response) => response.end(request.headers.host));
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  t.after(() => server.close());
  const host = `[::1]:${(server.address() as AddressInfo).port}`;
  assert.equal(await (await client(t).send({ url: `http://${host}/` })).text(100), host);
});

test('a closed client sends nothing again that it was sending', async (t) => {
  let requests = 0;
  const url = await serve(t, (request) => {
    request.resume();
    requests += 1;
    closing.close();
  });
  const closing = new HttpClient();
  await assert.rejects(closing.send({ url }), { name: 'AbortError' });
  await assert.rejects(closing.send({ url }), { name: 'AbortError' });
  assert.equal(requests, 1);
});

test('a client that is closed does not wait for the moment to send something again', { timeout: 20_000 }, async (t) => {
  const refused = Promise.withResolvers<void>();
  const url = await serve(t, (request, response) => {
    if (request.url === '/later')
      response.once('finish', refused.resolve).writeHead(503, { 'retry-after': '60' }).end();
    else response.end('now');
  });
  const closing = new HttpClient();
  const waiting = assert.rejects(closing.send({ url: `${url}/later` }), { name: 'AbortError' });
  await refused.promise;
  // When another answer has come as well, the first one has been read.
  await (await closing.send({ url })).text(10);
  closing.close();
  await waiting;
});

test('a server that falls silent after a slow reader is not waited for either', async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, content.length / 2));
  });
  const impatient = new HttpClient({ attempts: 1, idleTimeoutSeconds: 0.1 });
  t.after(() => impatient.close());
  const { body } = await impatient.send({ url });
  await assert.rejects(
    async () => {
      for await (const _ of body) await delay(200);
    },
    (fault) => isFault(fault, 'http/timeout'),
  );
});

test('a proxy that takes a connection and never answers is told of, and can be given up', async (t) => {
  const silent = createTcpServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => silent.close());
  const proxy = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const proxied = new HttpClient({ proxy, attempts: 1, idleTimeoutSeconds: 0.2, connectTimeoutSeconds: 0.2 });
  t.after(() => proxied.close());
  await assert.rejects(proxied.send({ url: 'https://index.invalid/' }), (fault) => isFault(fault, 'http/timeout'));
  const patient = new HttpClient({ proxy, attempts: 1 });
  t.after(() => patient.close());
  const unwanted = new AbortController();
  const sending = patient.send({ url: 'https://index.invalid/', signal: unwanted.signal });
  unwanted.abort();
  await assert.rejects(sending, { name: 'AbortError' });
});

test('a proxy setting without an address is told of, and its password is not', () => {
  assert.throws(
    () => proxySettings(undefined, { http_proxy: 'http://user:pa#ss@proxy:3128' }),
    (fault) => {
      assert.ok(isFault(fault, 'http/unreachable'));
      assert.doesNotMatch(JSON.stringify(fault), /pa#|ss@/);
      return true;
    },
  );
});

test('proxy settings are read as other tools read them', () => {
  assert.deepEqual(
    proxySettings(undefined, {
      http_proxy: 'proxy:3128',
      HTTPS_PROXY: 'http://p:1',
      NO_PROXY: 'corp.example 10.0.0.1, .x',
    }),
    { http_proxy: 'http://proxy:3128', https_proxy: 'http://p:1', no_proxy: '.corp.example,10.0.0.1,.x' },
  );
  assert.deepEqual(proxySettings(undefined, {}), {});
});

test('a body of another length than was said is refused', async (t) => {
  const url = await serve(t, (request, response) => {
    request.resume().on('end', () => response.end());
  });
  const send = (body: string) =>
    client(t).send({ url, method: 'PUT', headers: { 'content-length': '5' }, body: Buffer.from(body) });
  await assert.rejects(send('too long'));
  await assert.rejects(send('cut'));
  assert.equal((await send('exact')).status, 200);
});

test('a server that refuses a body before it has read it is understood, and the connection let go of', async (t) => {
  let sockets = 0;
  const server = createServer((_, response) => response.writeHead(413).end('too much'));
  server.on('connection', (socket) => {
    sockets += 1;
    socket.on('close', () => {
      sockets -= 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endless = async function* () {
    for (;;) yield Buffer.alloc(1 << 20);
  };
  const response = await client(t).send({ url, method: 'PUT', body: endless });
  assert.equal(response.status, 413);
  await response.discard();
  while (sockets > 0) await delay(10);
});
