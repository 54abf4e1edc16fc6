import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isFault } from '@mir/core';
import { HttpClient, knownAddresses, learnAddresses } from '@mir/http';

/** A server, a client that asks once, and what a name server has answered about this machine. */
async function stage(t: TestContext) {
  const server = createServer((_, response) => response.end('here')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new HttpClient({ attempts: 1 });
  t.after(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const ask = async (host: string, at = port) => (await client.send({ url: `http://${host}:${at}/` })).text(10);
  assert.equal(await ask('localhost'), 'here');
  const answered = knownAddresses().find(({ question }) => question.startsWith('localhost '));
  assert.ok(answered, 'the answer is there for others');
  const named = (host: string, atMilliseconds = Date.now()) => ({
    question: answered.question.replace('localhost', host),
    atMilliseconds,
    addresses: [{ address: '127.0.0.1', family: 4 }],
  });
  return { ask, named };
}

const isUnreachable = (fault: unknown) => isFault(fault, 'http/unreachable');

test('what another thread was told by a name server is not asked again', async (t) => {
  const { ask, named } = await stage(t);
  // No name server knows names below "invalid" (RFC 6761).
  learnAddresses([named('told.invalid')]);
  assert.equal(await ask('told.invalid'), 'here');
  await assert.rejects(ask('untold.invalid'), isUnreachable);
});

test('an old answer counts no more', async (t) => {
  const { ask, named } = await stage(t);
  learnAddresses([named('old.invalid', Date.now() - 60_000)]);
  await assert.rejects(ask('old.invalid'), isUnreachable);
  assert.equal(
    knownAddresses().some(({ question }) => question.startsWith('old.invalid ')),
    false,
  );
});

test('an address that leads nowhere is forgotten, and not learned again from who has not noticed', async (t) => {
  const { ask, named } = await stage(t);
  const dead = named('moved.invalid');
  learnAddresses([dead]);
  // Nobody listens at the port of the discard service.
  await assert.rejects(ask('moved.invalid', 9), isUnreachable);
  learnAddresses([dead]);
  await assert.rejects(ask('moved.invalid'), isUnreachable);
  learnAddresses([named('moved.invalid', Date.now() + 1)]);
  assert.equal(await ask('moved.invalid'), 'here');
});
