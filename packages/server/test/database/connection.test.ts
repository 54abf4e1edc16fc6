import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isFault } from '@mir/core';
import { type Kysely, sql } from 'kysely';
import pg from 'pg';
import { type DatabaseOptions, openDatabase } from '../../src/database/connection.ts';
import type { DatabaseFaultCode } from '../../src/database/fault.ts';
import { transaction } from '../../src/database/transaction.ts';
import { type TemporaryDatabase, temporaryDatabase } from './temporary-database.ts';

type Tables = { readonly counters: { readonly name: string; readonly value: number } };

const counters = {
  name: '0001-counters',
  sql: "create table counters (name text primary key, value bigint not null); insert into counters values ('a', 0), ('b', 0);",
};

type Opened = { readonly database: Kysely<Tables>; readonly address: TemporaryDatabase };

async function opened(t: TestContext, options: Partial<DatabaseOptions> = {}): Promise<Opened> {
  const address = await temporaryDatabase([counters]);
  const database = await openDatabase<Tables>({ ...options, embedded: address } as DatabaseOptions);
  t.after(() => database.destroy());
  return { database, address };
}

function refuses(code: DatabaseFaultCode, message: RegExp) {
  return (thrown: unknown) => {
    assert.ok(isFault(thrown, code), String(thrown));
    assert.match(`${thrown.message} ${thrown.hint}`, message);
    assert.doesNotMatch(JSON.stringify(thrown), /s3cret/);
    return true;
  };
}

async function backendOf(database: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database);
  return rows[0]?.pid ?? 0;
}

/** Ends a connection from the other side, and waits until its process is gone. */
async function endBackend(address: TemporaryDatabase, pid: number): Promise<void> {
  const other = new pg.Client({ ...address.connection });
  await other.connect();
  await other.query('select pg_terminate_backend($1, 10000)', [pid]);
  await other.end();
}

test('integers are numbers, times are dates, and a number that would be wrong is none', async (t) => {
  const { database } = await opened(t);
  const { rows } = await sql`
    select 9007199254740991::bigint as large, count(*) as counted, array[1::bigint, null] as several,
      timestamptz '2026-01-02 03:04:05.678+01' as at, null::bigint as nothing from counters`.execute(database);
  const at = new Date('2026-01-02T02:04:05.678Z');
  assert.deepEqual(rows, [{ large: 9007199254740991, counted: 2, several: [1, null], at, nothing: null }]);
  await assert.rejects(sql`select 9007199254740993::bigint`.execute(database), /9007199254740993 is beyond/);
  assert.equal((await sql`select 1 as one`.execute(database)).rows.length, 1, 'the connection is still of use');
});

test('a connection that is ended while nobody uses it is replaced', async (t) => {
  const lost = Promise.withResolvers<Error>();
  const { database, address } = await opened(t, { poolSize: 1, onConnectionLost: lost.resolve });
  const pid = await backendOf(database);
  await endBackend(address, pid);
  assert.match((await lost.promise).message, /terminat/);
  assert.notEqual(await backendOf(database), pid);
});

test('a connection that is ended inside a transaction fails that transaction and nothing else', async (t) => {
  const { database, address } = await opened(t, { poolSize: 1 });
  const failed = transaction(database, async (step) => {
    await step.updateTable('counters').set({ value: 7 }).execute();
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(step);
    await endBackend(address, rows[0]?.pid ?? 0);
    // The end arrives while nothing is asked; a process that does not expect that dies of it.
    await new Promise((resolve) => setImmediate(resolve));
    await step.selectFrom('counters').selectAll().execute();
  });
  await assert.rejects(failed, /terminat|not queryable/i);
  const values = await database.selectFrom('counters').select('value').execute();
  assert.deepEqual(values, [{ value: 0 }, { value: 0 }]);
});

test('a statement that takes too long is broken off', async (t) => {
  const { database } = await opened(t, { statementTimeoutSeconds: 0.1 });
  await assert.rejects(sql`select pg_sleep(60)`.execute(database), /statement timeout/);
});

test('transactions that are in each other’s way all happen', async (t) => {
  const { database } = await opened(t);
  // Each reads and then writes what the others read: without being done again, all but one of those that overlap fail.
  const add = () =>
    transaction(
      database,
      async (step) => {
        const { value } = await step
          .selectFrom('counters')
          .select('value')
          .where('name', '=', 'a')
          .executeTakeFirstOrThrow();
        await step
          .updateTable('counters')
          .set({ value: value + 1 })
          .where('name', '=', 'a')
          .execute();
      },
      { isolation: 'serializable' },
    );
  await Promise.all(Array.from({ length: 5 }, add));
  const { value } = await database
    .selectFrom('counters')
    .select('value')
    .where('name', '=', 'a')
    .executeTakeFirstOrThrow();
  assert.equal(value, 5);
});

test('a deadlock is dissolved and both do their work', async (t) => {
  const { database } = await opened(t);
  const meeting = Promise.withResolvers<void>();
  let arrived = 0;
  const addTo = (names: readonly string[]) =>
    transaction(database, async (step) => {
      for (const name of names) {
        await step
          .updateTable('counters')
          .set((row) => ({ value: row('value', '+', 1) }))
          .where('name', '=', name)
          .execute();
        arrived += 1;
        if (arrived === 2) meeting.resolve();
        await meeting.promise;
      }
    });
  await Promise.all([addTo(['a', 'b']), addTo(['b', 'a'])]);
  const values = await database.selectFrom('counters').select('value').execute();
  assert.deepEqual(values, [{ value: 2 }, { value: 2 }]);
});

test('what the work throws undoes the work, and is thrown', async (t) => {
  const { database } = await opened(t);
  let calls = 0;
  const failed = transaction(database, async (step) => {
    calls += 1;
    await step.updateTable('counters').set({ value: 9 }).execute();
    throw new Error('no more');
  });
  await assert.rejects(failed, /no more/);
  assert.equal(calls, 1);
  assert.deepEqual(await database.selectFrom('counters').select('value').execute(), [{ value: 0 }, { value: 0 }]);
});

test('a database that cannot be reached is named without its password', async (t) => {
  const silent = createServer((socket) => socket.end());
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const place = silent.address();
  assert.ok(typeof place === 'object' && place !== null);
  const host = `127.0.0.1:${place.port}`;
  const closed = openDatabase({ url: `postgresql://ann:s3cret@${host}/mir` });
  await assert.rejects(closed, refuses('database/unreachable', new RegExp(`ann@${host}/mir cannot be reached`)));
  const { url } = await temporaryDatabase();
  const nobody = openDatabase({ url: url.replace('mir@', 'ann:s3cret@') });
  await assert.rejects(nobody, refuses('database/unreachable', /role "ann" does not exist.*user or the password/));
  const nowhere = new URL(url);
  nowhere.pathname = '/elsewhere';
  await assert.rejects(
    openDatabase({ url: nowhere.href }),
    refuses('database/unreachable', /"elsewhere" does not exist/),
  );
});

test('an address that says nothing, or leaves open whether it is encrypted, is refused', async () => {
  for (const url of ['s3cret', 'mysql://ann:s3cret@localhost/mir', 'postgresql://ann:s3cret@ho st/mir', '']) {
    await assert.rejects(openDatabase({ url }), refuses('database/settings', /DATABASE_URL is not an address/));
  }
  for (const mode of ['prefer', 'allow', 'no-verify', 'yes']) {
    const url = `postgresql://ann:s3cret@localhost/mir?sslmode=${mode}`;
    await assert.rejects(openDatabase({ url }), refuses('database/settings', /sslmode=.*verify-full/));
  }
});

test('an address without a host before its folder is read as other clients read it', async (t) => {
  const { connection } = await temporaryDatabase();
  const folder = encodeURIComponent(connection.host);
  for (const url of [
    `postgresql:///${connection.database}?host=${folder}&user=mir`,
    `postgresql://mir@/${connection.database}?host=${folder}`,
    `postgres://mir@${folder}/${connection.database}`,
  ]) {
    const database = await openDatabase({ url });
    t.after(() => database.destroy());
    const { rows } = await sql<{ name: string }>`select current_database() as name`.execute(database);
    assert.equal(rows[0]?.name, connection.database, url);
  }
});
