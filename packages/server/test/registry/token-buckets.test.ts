import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../../src/database/connection.ts';
import { migrations } from '../../src/database/migrations/migrations.ts';
import type { Tables } from '../../src/database/schema.ts';
import { TokenBuckets } from '../../src/registry/token-buckets.ts';
import { temporaryDatabase } from '../database/temporary-database.ts';

const rate = { perSecond: 40, burst: 6 };

/** Buckets as two processes see them. */
async function twoProcesses(t: { after(act: () => unknown): void }): Promise<readonly [TokenBuckets, TokenBuckets]> {
  const embedded = await temporaryDatabase(migrations);
  const open = async () => {
    const database = await openDatabase<Tables>({ embedded });
    t.after(() => database.destroy());
    return new TokenBuckets(database);
  };
  return [await open(), await open()];
}

test('all processes together get what the rate allows, and not less', async (t) => {
  const processes = await twoProcesses(t);
  const startedAt = performance.now();
  const taken = 60;
  const takers = Array.from({ length: 10 }, async (_, index) => {
    for (let count = 0; count < taken / 10; count += 1)
      await processes[index % 2]?.take('registry ecr:PutImage', { rate, isUrgent: true });
  });
  await Promise.all(takers);
  const seconds = (performance.now() - startedAt) / 1000;
  const least = (taken - rate.burst) / rate.perSecond;
  assert.ok(seconds >= least * 0.98, `${seconds} s for ${taken}, at least ${least}`);
  assert.ok(seconds < least * 3, `${seconds} s for ${taken}`);
});

test('whoever is urgent does not wait behind those who are not, however many', async (t) => {
  const [bulk, urgent] = await twoProcesses(t);
  const over = new AbortController();
  const name = 'registry ecr:PutImage';
  const slow = { perSecond: 10, burst: 3 };
  const crowd = Array.from({ length: 20 }, async () => {
    for (;;) await bulk.take(name, { rate: slow, isUrgent: false, signal: over.signal });
  });
  for (let count = 0; count < 3; count += 1) await urgent.take(name, { rate: slow, isUrgent: true });
  const startedAt = performance.now();
  for (let count = 0; count < 5; count += 1) await urgent.take(name, { rate: slow, isUrgent: true });
  over.abort();
  await Promise.allSettled(crowd);
  assert.ok(performance.now() - startedAt < 1500, `${performance.now() - startedAt} ms for five of ten a second`);
});

test('a registry that says for how long it has no time is left alone for so long', async (t) => {
  const [one, other] = await twoProcesses(t);
  await one.take('busy', { rate, isUrgent: true });
  await one.drain('busy', rate, 0.5);
  const startedAt = performance.now();
  await other.take('busy', { rate, isUrgent: true });
  assert.ok(performance.now() - startedAt > 450);
});
