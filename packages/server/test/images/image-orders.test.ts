import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { openDatabase } from '../../src/database/connection.ts';
import { migrations } from '../../src/database/migrations/migrations.ts';
import type { Tables } from '../../src/database/schema.ts';
import { imageSorts } from '../../src/images/image-orders.ts';
import { countImages, searchImages } from '../../src/images/search.ts';
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

test('who goes to a time comes to the first image of the list that is from then, though ids and times differ in their order', async (t) => {
  const db = await openDatabase<Tables>({ embedded: await temporaryDatabase(migrations) });
  t.after(() => db.destroy());
  await sql`
    insert into images (name, repository, role, status, created_at, updated_at, removed_at)
      select name, name, 'USER_DEFINED', 'READY', at::timestamptz, at::timestamptz, case name when 'gone' then now() end
      from unnest(
        array['early', 'gone', 'b', 'a', 'c', 'late', 'last-of-day'],
        array['09:59:00Z', '10:00:00.9Z', '10:00:00.2004Z', '10:00:00.1Z', '10:00:00.15Z', '10:00:02Z', '10:00:01Z']
      ) as made (name, time), concat('2026-05-31T', time) as at;
    insert into versions (image_id, number, tag, state, spec, spec_key, reasons) select id, 1, 'v1', 'READY', '{}', '', '[]' from images;
    update images set current_version_id = versions.id, latest_version_id = versions.id from versions where image_id = images.id`.execute(
    db,
  );
  const context = { db, secret: Buffer.alloc(32) } as Partial<InstanceContext> as InstanceContext;
  for (const sort of ['createdAt', '-createdAt', 'updatedAt', '-updatedAt'] as const) {
    const { rows } = await searchImages(context, { sort, packages: [], pageSize: 50 });
    for (const clock of ['09:00', '10:00', '10:00:00.120', '10:00:00.150', '10:00:00.200', '10:00:00.500', '11:00']) {
      const place = `2026-05-31T${clock}Z`;
      const time = new Date(place).getTime();
      const first = rows.findIndex((row) => {
        const at = (sort.endsWith('createdAt') ? row.createdAt : row.updatedAt).getTime();
        return sort.startsWith('-') ? at <= time : at >= time;
      });
      const { before, total } = await countImages(context, { sort, packages: [] }, place);
      assert.deepEqual({ before, total }, { before: first === -1 ? total : first, total: 6 }, `${sort} ${place}`);
    }
  }
});
