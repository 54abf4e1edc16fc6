import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { openDatabase } from '../../src/database/connection.ts';
import { migrations } from '../../src/database/migrations/migrations.ts';
import { migrate } from '../../src/database/migrations.ts';
import { temporaryDatabase } from './temporary-database.ts';

test('versions that were made before are given the Python that their lock, or their image, tells', async (t) => {
  const database = await openDatabase<unknown>({ embedded: await temporaryDatabase() });
  t.after(() => database.destroy());
  await migrate(database, migrations.slice(0, 1));
  await sql`
    insert into images (name, repository, role, status, python_version) values ('fraud', 'fraud', 'USER_DEFINED', 'READY', '3.11');
    insert into versions (image_id, number, tag, state, spec, spec_key, reasons)
      select images.id, number, 'v' || number, 'READY', '{}', '', '[]' from images, generate_series(1, 3) as number;
    update images set current_version_id = versions.id from versions where versions.number = 3;
    insert into version_locks (version_id, platform, text)
      select id, 'linux/amd64', ${sql.lit('lock-version = "1.0"\n\n[tool.mir]\npython-version = "3.13.5"\n')} from versions where number = 1
  `.execute(database);
  await migrate(database, migrations);
  const { rows } = await sql`select number, python_version from versions order by number`.execute(database);
  assert.deepEqual(rows, [
    { number: 1, python_version: '3.13' },
    { number: 2, python_version: null },
    { number: 3, python_version: '3.11' },
  ]);
});
