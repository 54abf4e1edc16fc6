import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { transaction } from '../../src/database/transaction.ts';
import { letTrimmedGo } from '../../src/images/trimming.ts';
import { checkRegistry } from '../../src/registry/registry-repair.ts';
import { instanceWithRegistry } from './instance-with-registry.ts';

test('what a registry has no room for is told of tomorrow, and a repair says so', async (t) => {
  const { context, db, registry, caller, trace, addImage, addVersion, push } = await instanceWithRegistry(t);
  const image = await addImage('fraud');
  await addVersion(image, 1, (await push('fraud', 'in-use', 'v1')).digest);
  for (const tag of ['w1', 'w2', 'w3', 'w4', 'w5']) await push('fraud', tag, tag);
  const { findings } = await checkRegistry(context, caller, { after: 0, repair: true }, trace);
  const told = findings.filter(({ repair }) => repair === 'The registry is told to let it go');
  const later = findings.filter(({ repair }) => repair?.includes('tomorrow or later'));
  assert.deepEqual([findings.length, told.length, later.length], [5, 2, 3]);
  const open = await db
    .selectFrom('outbox')
    .where('done_at', 'is', null)
    .select(['payload', sql<boolean>`run_after > now() + interval '23 hours'`.as('isTomorrow')])
    .execute();
  assert.deepEqual(
    open.map(({ isTomorrow }) => isTomorrow),
    [true],
  );
  // The next day: the first have gone, and what was written down long ago is forgotten.
  await sql`delete from outbox where done_at is not null`.execute(db);
  const repositories = context.repositories.path('fraud');
  for (const { tag } of told) await registry.forget(repositories, tag ?? '');
  const next = await transaction(db, (trx) => letTrimmedGo(context, trx, 'fraud'));
  assert.deepEqual([next.told.size, next.later.size], [2, 1]);
  assert.ok([...next.told].every((tag) => later.some((one) => one.tag === tag)));
  const { rows } = await sql`select from outbox where done_at is null`.execute(db);
  assert.equal(rows.length, 1, 'once, however often');
});

test('versions that are the same image are given up together, never one that is in use', async (t) => {
  const { context, db, registry, addImage, addVersion, push } = await instanceWithRegistry(t);
  const image = await addImage('fraud');
  const same = await push('fraud', 'same', 'v1', 'v2');
  const inUse = await push('fraud', 'in-use', 'v3', 'v4');
  await addVersion(image, 1, same.digest, 'version/trimmed');
  const second = await addVersion(image, 2, same.digest);
  await addVersion(image, 3, inUse.digest, 'version/trimmed');
  await addVersion(image, 4, inUse.digest);
  const letGo = async () => [...(await transaction(db, (trx) => letTrimmedGo(context, trx, 'fraud'))).told].sort();
  assert.deepEqual(await letGo(), []);
  await sql`update versions set state = 'CANCELLED', failure = '{"code": "version/trimmed", "what": "", "hint": ""}'
    where id = ${second}`.execute(db);
  assert.deepEqual(await letGo(), ['v1', 'v2']);
  assert.deepEqual(
    registry.letGo.length,
    2,
    'a list with nothing in it as well: an earlier one may name what is needed',
  );
});
