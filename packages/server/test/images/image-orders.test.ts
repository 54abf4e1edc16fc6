import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { openDatabase } from '../../src/database/connection.ts';
import { migrations } from '../../src/database/migrations/migrations.ts';
import type { Tables } from '../../src/database/schema.ts';
import { imageSorts } from '../../src/images/image-orders.ts';
import { searchImages } from '../../src/images/search.ts';
import type { InstanceContext } from '../../src/instance-context.ts';
import { temporaryDatabase } from '../database/temporary-database.ts';

test('page by page each image is listed once, in every order, whatever its texts end with', async (t) => {
  const db = await openDatabase<Tables>({ embedded: await temporaryDatabase(migrations) });
  t.after(() => db.destroy());
  await sql`
    insert into users (name, role) select name, 'member' from unnest(array['a', 'b', 'c', 'd']) as name;
    insert into images (name, repository, role, status, creator_id, image_type)
      select 'i' || users.id || which, 'i' || users.id || which, 'USER_DEFINED', 'READY', users.id, users.name || 'Z'
      from users, unnest(array['y', 'z']) as which;
    insert into versions (image_id, number, tag, state, spec, spec_key, reasons) select id, 1, 'v1', 'READY', '{}', '', '[]' from images;
    update images set current_version_id = versions.id, latest_version_id = versions.id from versions where image_id = images.id`.execute(
    db,
  );
  const context = { db, secret: Buffer.alloc(32) } as Partial<InstanceContext> as InstanceContext;
  for (const sort of imageSorts) {
    const request = { sort, packages: [] };
    const all = (await searchImages(context, { ...request, pageSize: 50 })).rows.map(({ name }) => name);
    assert.equal(all.length, 8);
    const paged: string[] = [];
    let pageToken: string | undefined;
    do {
      const page = await searchImages(context, { ...request, pageSize: 1, pageToken });
      paged.push(...page.rows.map(({ name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined && paged.length < 20);
    assert.deepEqual(paged, all, sort);
  }
});
