import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { isFault } from '@mir/core';
import { type Kysely, sql } from 'kysely';
import { openDatabase } from '../../src/database/connection.ts';
import { type Migration, migrate, pendingMigrations } from '../../src/database/migrations.ts';
import { temporaryDatabase } from './temporary-database.ts';

const modules = new URL('../../src/database/', import.meta.url).href;

const first: Migration = { name: '0001-images', sql: 'create table images (name text primary key); select 1;' };
const second: Migration = {
  name: '0002-sizes',
  sql: "alter table images add size_bytes bigint; insert into images values ('a', 7);",
};

async function opened(t: TestContext, migrations: readonly Migration[] = []): Promise<Kysely<unknown>> {
  const database = await openDatabase<unknown>({ embedded: await temporaryDatabase(migrations) });
  t.after(() => database.destroy());
  return database;
}

async function rowsOf(database: Kysely<unknown>): Promise<unknown> {
  return (await sql`select * from images`.execute(database)).rows;
}

test('migrations are done once each, in their order, also those that come with a later release', async (t) => {
  const database = await opened(t);
  assert.deepEqual(await pendingMigrations(database, [first, second]), ['0001-images', '0002-sizes']);
  assert.deepEqual(await migrate(database, [first]), ['0001-images']);
  assert.deepEqual(await pendingMigrations(database, [first, second]), ['0002-sizes']);
  assert.deepEqual(await migrate(database, [first, second]), ['0002-sizes']);
  assert.deepEqual(await migrate(database, [first, second]), []);
  assert.deepEqual(await rowsOf(database), [{ name: 'a', size_bytes: 7 }]);
});

test('processes that start at the same time do each migration once', async (t) => {
  const address = await temporaryDatabase();
  // Each of them would fail if it were done twice; together they take long enough for all processes to be there.
  const migrations = Array.from({ length: 20 }, (_, at) => ({
    name: `${at}`,
    sql: `create table t${at} (n int); select pg_sleep(0.02)`,
  }));
  const program = `
    import { openDatabase } from ${JSON.stringify(`${modules}connection.ts`)};
    import { migrate } from ${JSON.stringify(`${modules}migrations.ts`)};
    const database = await openDatabase({ url: ${JSON.stringify(address.url)} });
    process.stdout.write(JSON.stringify(await migrate(database, ${JSON.stringify(migrations)})));
    await database.destroy();`;
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  const done = (await Promise.all([run(), run(), run()])).flatMap(({ stdout }) => JSON.parse(stdout) as string[]);
  const names = migrations.map(({ name }) => name);
  assert.deepEqual(done.sort(), names.sort());
  const database = await openDatabase({ embedded: address });
  t.after(() => database.destroy());
  assert.deepEqual(await migrate(database, migrations), []);
});

test('a migration that fails leaves nothing, says where, and can be mended', async (t) => {
  const database = await opened(t, [first]);
  const broken = { name: '0002-broken', sql: "insert into images values ('b');\n\ncreate tabel oops ();" };
  await assert.rejects(migrate(database, [first, broken]), (thrown) => {
    assert.ok(isFault(thrown, 'database/migration-failed'));
    assert.match(thrown.message, /0002-broken failed at line 3.*tabel/);
    return true;
  });
  assert.deepEqual(await rowsOf(database), []);
  assert.deepEqual(await migrate(database, [first, second]), ['0002-sizes']);
});

test('a program that is older than the database does not touch it', async (t) => {
  const database = await opened(t, [first, second]);
  for (const call of [migrate, pendingMigrations]) {
    await assert.rejects(call(database, [first]), (thrown) => {
      assert.ok(isFault(thrown, 'database/newer-than-program'));
      assert.match(thrown.message, /older than the database.*0002-sizes/);
      return true;
    });
  }
});

test('a migration that says something else than the one that was done, or comes at another place, is refused', async (t) => {
  const database = await opened(t, [first, second]);
  const edited = [first, { ...second, sql: `${second.sql} ` }];
  await assert.rejects(migrate(database, edited), (thrown) => isFault(thrown, 'database/migration-changed'));
  await assert.rejects(migrate(database, [second, first]), (thrown) => isFault(thrown, 'database/migration-changed'));
});
