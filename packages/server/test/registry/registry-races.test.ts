import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { transaction } from '../../src/database/transaction.ts';
import { trimVersion } from '../../src/images/trimming.ts';
import { checkRegistry } from '../../src/registry/registry-repair.ts';
import { makeRepository } from '../../src/registry/repository-making.ts';
import { instanceWithRegistry } from './instance-with-registry.ts';

test('a version that is delivered while a repair looks is not taken for nobody’s', async (t) => {
  const { context, registry, caller, trace, addImage, addVersion, push } = await instanceWithRegistry(t);
  const image = await addImage('fraud');
  const first = await push('fraud', 'first', 'v1');
  await addVersion(image, 1, first.digest);
  let second = first.digest;
  registry.beforeLook = async () => {
    second = (await push('fraud', 'second', 'v2')).digest;
    await addVersion(image, 2, second);
  };
  const { findings } = await checkRegistry(context, caller, { after: 0, repair: true }, trace);
  assert.deepEqual(findings, [], 'neither missing nor unknown');
  const stored = await registry.images(context.repositories.path('fraud'));
  assert.deepEqual(stored?.flatMap(({ tags }) => tags).sort(), ['v1', 'v2']);
});

test('an image that is removed while its repository is waited for gets none', { timeout: 60_000 }, async (t) => {
  const { context, db, registry, addImage } = await instanceWithRegistry(t);
  const image = await addImage('fraud');
  let making: Promise<void> = Promise.resolve();
  await transaction(db, async (removal) => {
    const name = `mir/repository ${registry.host} fraud`;
    await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(removal);
    await sql`update images set removed_at = now() where id = ${image}`.execute(removal);
    making = transaction(db, (trx) => makeRepository(context, trx, 'fraud'));
    const isWaiting = async () => {
      const { rows } = await sql`select from pg_locks where locktype = 'advisory' and not granted`.execute(db);
      return rows.length > 0;
    };
    while (!(await isWaiting()));
  });
  await making;
  assert.deepEqual(registry.made, [], 'what is made now, nobody would remove');
});

test('a version is not given up while a run uses the same image under another number', async (t) => {
  const { context, db, caller, trace, addImage, addVersion } = await instanceWithRegistry(t);
  const image = await addImage('fraud');
  const same = `sha256:${'1'.repeat(64)}`;
  const first = await addVersion(image, 1, same);
  await addVersion(image, 2, same);
  await addVersion(image, 3, `sha256:${'3'.repeat(64)}`);
  await sql`insert into image_uses (image_id, version_id, used_by, expires_at)
    values (${image}, ${first}, 'run 7', now() + interval '1 hour')`.execute(db);
  await assert.rejects(trimVersion(context, caller, 'fraud', 2, trace), {
    code: 'image/in-use',
    message: /Version 2 of "fraud" \(the same image as version 1\) is in use by run 7/,
  });
  await sql`update image_uses set ended_at = now()`.execute(db);
  await trimVersion(context, caller, 'fraud', 2, trace);
});
