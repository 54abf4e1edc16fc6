import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EcrCredentials } from '../../src/registry/ecr/ecr-credentials.ts';

const host = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';
const lifeHours = 12;

test('the password of a registry is fetched once, and again when half of its life is over', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) });
  let fetched = 0;
  const source = new EcrCredentials(host, async () => {
    fetched += 1;
    const expiresAt = new Date(Date.now() + lifeHours * 3600_000);
    return { username: 'AWS', password: `password ${fetched}`, expiresAt, registry: host };
  });
  const ask = async () => {
    const given = await source.credentials(host);
    return given?.kind === 'basic' ? given.password : undefined;
  };
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), ['password 1', 'password 1', 'password 1']);
  t.mock.timers.tick((lifeHours / 2) * 3600_000 - 1);
  assert.equal(await ask(), 'password 1');
  t.mock.timers.tick(2);
  assert.equal(await ask(), 'password 2');
  // Several requests that were refused at once ask for one new password together.
  t.mock.timers.tick(10_000);
  assert.deepEqual(await Promise.all([source.refused(host), source.refused(host)]), [true, true]);
  assert.equal(await ask(), 'password 3');
});

test('a password that cannot be had is asked for again by the next request', async () => {
  let fetched = 0;
  const source = new EcrCredentials(host, async () => {
    fetched += 1;
    if (fetched === 1) throw new Error('no credentials');
    return { username: 'AWS', password: 'there', expiresAt: new Date(Date.now() + 1000), registry: host };
  });
  await assert.rejects(source.credentials(host));
  assert.deepEqual(await source.credentials(host), { kind: 'basic', username: 'AWS', password: 'there' });
});

test('a password that cannot be renewed is used on until it ends, unless it was refused', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) });
  let isAway = false;
  const source = new EcrCredentials(host, async () => {
    if (isAway) throw new Error('the service is away');
    return {
      username: 'AWS',
      password: 'first',
      expiresAt: new Date(Date.now() + lifeHours * 3600_000),
      registry: host,
    };
  });
  const first = { kind: 'basic', username: 'AWS', password: 'first' };
  assert.deepEqual(await source.credentials(host), first);
  isAway = true;
  t.mock.timers.tick((lifeHours - 1) * 3600_000);
  assert.deepEqual(await source.credentials(host), first);
  assert.deepEqual(await source.credentials(host), first);
  t.mock.timers.tick(2 * 3600_000);
  await assert.rejects(source.credentials(host), /away/);
});
