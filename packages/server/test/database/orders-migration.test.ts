import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { openDatabase } from '../../src/database/connection.ts';
import { migrations } from '../../src/database/migrations/migrations.ts';
import { migrate } from '../../src/database/migrations.ts';
import { temporaryDatabase } from './temporary-database.ts';

test('what lists show of an image is there for those that were made before, and follows its versions and its creator', async (t) => {
  const database = await openDatabase<unknown>({ embedded: await temporaryDatabase() });
  t.after(() => database.destroy());
  const before = migrations.findIndex(({ name }) => name.endsWith('orders-of-images'));
  await migrate(database, migrations.slice(0, before));
  await sql`
    insert into users (name, role) values ('anna', 'member'), ('bert', 'member');
    insert into images (name, repository, role, status, creator_id) select 'old', 'old', 'USER_DEFINED', 'READY', id from users where name = 'anna';
    insert into versions (image_id, number, tag, state, spec, spec_key, reasons, size_bytes, libraries)
      select id, 1, 'v1', 'READY', '{}', '', '[]', 100, '[{"name": "six", "version": "1.16.0"}]' from images;
    update images set current_version_id = versions.id, latest_version_id = versions.id from versions
  `.execute(database);
  await migrate(database, migrations);
  const shown = async () => {
    const { rows } = await sql<{ shown: string }>`
      select concat_ws(' ', name, creator_name, shown_size_bytes, shown_packages) as shown from images order by id`.execute(
      database,
    );
    return rows.map((row) => row.shown);
  };
  assert.deepEqual(await shown(), ['old anna 100 1']);
  await sql`
    insert into images (name, repository, role, status, creator_id) select 'new', 'new', 'USER_DEFINED', 'BUILDING_FIRST_TIME', id from users where name = 'bert';
    insert into versions (image_id, number, tag, state, spec, spec_key, reasons)
      select id, number, 'v' || number, 'QUEUED', '{}', '', '[]' from images, generate_series(2, 3) as number
  `.execute(database);
  await sql`update images set latest_version_id = versions.id from versions where image_id = images.id and number = 2`.execute(
    database,
  );
  // A version that is not shown yet changes nothing.
  assert.deepEqual(await shown(), ['old anna 100 1', 'new bert 0']);
  await sql`update versions set size_bytes = 20, libraries = '[]' where number = 2`.execute(database);
  assert.deepEqual(await shown(), ['old anna 100 1', 'new bert 20 0'], 'of the latest while none is current');
  await sql`update images set current_version_id = versions.id from versions where image_id = images.id and number = 2`.execute(
    database,
  );
  assert.deepEqual(await shown(), ['old anna 20 0', 'new bert 20 0']);
  await sql`delete from users`.execute(database);
  assert.deepEqual(await shown(), ['old 20 0', 'new 20 0']);
});

test('Pythons are in the order of their versions', async (t) => {
  const database = await openDatabase<unknown>({ embedded: await temporaryDatabase() });
  t.after(() => database.destroy());
  await migrate(database, migrations);
  const { rows } = await sql<{ version: string }>`
    select version from unnest(array['3.11', '3.9', null, '2.7', '3.13', 'unknown']) as version order by order_of_python(version), version`.execute(
    database,
  );
  assert.deepEqual(
    rows.map(({ version }) => version),
    ['unknown', null, '2.7', '3.9', '3.11', '3.13'],
  );
});
