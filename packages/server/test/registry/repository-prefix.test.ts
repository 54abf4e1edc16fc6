import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { openDatabase } from '../../src/database/connection.ts';
import { migrations } from '../../src/database/migrations/migrations.ts';
import { migrate } from '../../src/database/migrations.ts';
import type { Tables } from '../../src/database/schema.ts';
import { repositoryPrefixOf } from '../../src/registry/repository-prefix.ts';
import { temporaryDatabase } from '../database/temporary-database.ts';

const beforePrefixes = 4;
const nowhere = async () => false;
const anImage = sql`insert into images (name, repository, role, status) values ('fraud', 'fraud', 'USER_DEFINED', 'READY')`;

async function instance(t: { after(act: () => unknown): void }, before: readonly (typeof anImage)[] = []) {
  const database = await openDatabase<Tables>({ embedded: await temporaryDatabase() });
  t.after(() => database.destroy());
  await migrate(database, migrations.slice(0, beforePrefixes));
  await sql`insert into instance (secret) values ('')`.execute(database);
  for (const statement of before) await statement.execute(database);
  await migrate(database, migrations);
  return database;
}

test('a new instance lies below what the original says, and an empty setting means the same', async (t) => {
  const database = await instance(t);
  assert.equal(await repositoryPrefixOf(database, '', nowhere), 'rime-managed-images');
  await anImage.execute(database);
  assert.equal(await repositoryPrefixOf(database, '', nowhere), 'rime-managed-images', 'and stays there');
});

test('an instance of a release with another default keeps its images', async (t) => {
  const database = await instance(t, [anImage]);
  assert.equal(await repositoryPrefixOf(database, '', nowhere), 'managed-images');
  assert.equal(await repositoryPrefixOf(database, '', nowhere), 'managed-images');
});

test('an instance that always had a prefix keeps that, with or without the setting', async (t) => {
  const database = await instance(t, [anImage]);
  assert.equal(await repositoryPrefixOf(database, 'ml/managed', nowhere), 'ml/managed');
  assert.equal(await repositoryPrefixOf(database, '', nowhere), 'ml/managed');
});

test('another prefix is refused while there are images, with what it has to be', async (t) => {
  const database = await instance(t);
  assert.equal(await repositoryPrefixOf(database, 'first', nowhere), 'first');
  assert.equal(await repositoryPrefixOf(database, 'second', nowhere), 'second', 'nothing is lost yet');
  await anImage.execute(database);
  await assert.rejects(repositoryPrefixOf(database, 'third', nowhere), {
    code: 'settings/wrong',
    message: /repository_prefix.*"third".*"second"/,
  });
});

test('a prefix that is set with the upgrade of an instance that had none is refused where its images lie below the former default', async (t) => {
  const database = await instance(t, [anImage]);
  const asked: string[] = [];
  const isThere = async (path: string) => {
    asked.push(path);
    return path === 'managed-images/fraud';
  };
  await assert.rejects(repositoryPrefixOf(database, 'rime-managed-images', isThere), {
    code: 'settings/wrong',
    message: /repository_prefix.*"rime-managed-images".*lie below "managed-images"/,
  });
  assert.equal(await repositoryPrefixOf(database, 'managed-images', isThere), 'managed-images');
  assert.deepEqual(asked, ['managed-images/fraud', 'managed-images/fraud']);
  await assert.rejects(repositoryPrefixOf(database, 'rime-managed-images', nowhere), { code: 'settings/wrong' });
});
