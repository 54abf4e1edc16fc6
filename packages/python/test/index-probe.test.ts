import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isFault } from '@mir/core';
import { IndexProbe, webPageFault } from '../src/index-probe.ts';

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  return `http://u:secret@127.0.0.1:${(server.address() as AddressInfo).port}/simple/`;
}

test('an index that takes the question and never answers is told of', async (t) => {
  const indexUrl = await serve(t, () => undefined);
  const probe = new IndexProbe({ indexUrl }, 'demo', { answerSeconds: 0.2, graceSeconds: 0 });
  probe.start();
  await once(probe.signal, 'abort');
  const { reason } = probe.signal;
  assert.ok(isFault(reason, 'resolution/timeout'), String(reason));
  assert.match(reason.message, /http:\/\/127\.0\.0\.1:\d+\/simple\/demo\/ did not answer in time/);
  assert.doesNotMatch(JSON.stringify(reason), /secret/);
  await probe.close();
});

test('an index that answers whatever is none that is silent', async (t) => {
  const asked: (string | undefined)[] = [];
  const indexUrl = await serve(t, (request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.writeHead(500).end();
    response.once('close', () => answered.resolve());
  });
  const answered = Promise.withResolvers<void>();
  const probe = new IndexProbe({ indexUrl }, 'demo', { answerSeconds: 5, graceSeconds: 0 });
  probe.start();
  await answered.promise;
  await probe.close();
  assert.equal(probe.signal.aborted, false);
  assert.deepEqual(asked, [`/simple/demo/ Basic ${Buffer.from('u:secret').toString('base64')}`]);
});

const pages: readonly (readonly [what: string, html: string, isForPeople: boolean])[] = [
  ['a sign-in form', '<html><form action="/login"><input type="password"></form>', true],
  ['a page with links', '<a href="/about">About</a> <a href="help.html">Help</a>', true],
  ['an empty page', '', true],
  ['a list of files', '<a href="/f/demo-1.0-py3-none-any.whl#sha256=00">demo</a>', false],
  ['a list of sources', "<A class=x HREF='../demo-1.0.tar.gz'>demo</A>", false],
  ['a list without files', '<!DOCTYPE html><html><head><title>Links for demo</title></head>', false],
  ['a page that says its version', '<meta name="pypi:repository-version" content="1.0">', false],
];

for (const [what, html, isForPeople] of pages) {
  test(`${what} is ${isForPeople ? 'a page for people' : 'the answer of an index'}`, async (t) => {
    const answer: RequestListener = (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html);
    const fault = await webPageFault({ indexUrl: await serve(t, answer) }, 'demo');
    assert.equal(fault?.code, isForPeople ? 'resolution/not-an-index' : undefined);
    assert.doesNotMatch(fault?.message ?? '', /secret/);
  });
}
