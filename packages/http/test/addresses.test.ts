import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

const skip = process.getuid?.() === 0 ? false : 'only root may have a name server, in a network of its own';

test('a question that a name server loses is asked again before glibc would', { skip, timeout: 30_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mir-names-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\n');
  const answered = await new Promise<string>((resolve) => {
    execFile(
      'bwrap',
      [
        ...['--dev-bind', '/', '/', '--ro-bind', join(folder, 'resolv.conf'), '/etc/resolv.conf'],
        ...['--unshare-net', '--cap-add', 'CAP_NET_BIND_SERVICE', '--die-with-parent'],
        ...[process.execPath, join(import.meta.dirname, 'lost-questions.ts')],
      ],
      // So long glibc waits for the answer that does not come; the client gives up before.
      { env: { ...process.env, RES_OPTIONS: 'timeout:30 attempts:1' } },
      (_, stdout) => resolve(stdout),
    );
  });
  assert.equal(answered, 'here\n');
});
