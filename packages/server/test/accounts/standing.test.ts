import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { authenticate, sessionCookie } from '../../src/accounts/authentication.ts';
import { signOut, startSession } from '../../src/accounts/sign-in.ts';
import { standingOf } from '../../src/accounts/standing.ts';
import { openDatabase } from '../../src/database/connection.ts';
import { migrations } from '../../src/database/migrations/migrations.ts';
import type { Tables } from '../../src/database/schema.ts';
import { temporaryDatabase } from '../database/temporary-database.ts';

test('whoever has signed out in a browser, or whose session has expired, stands for nobody there, and does elsewhere', async (t) => {
  const db = await openDatabase<Tables>({ embedded: await temporaryDatabase(migrations) });
  t.after(() => db.destroy());
  const { rows } = await sql<{
    id: number;
  }>`insert into users (name, role) values ('anna', 'member') returning id`.execute(db);
  const secrets = await Promise.all([1, 2, 3].map(() => startSession(db, rows[0]?.id ?? 0)));
  const callers = await Promise.all(
    secrets.map((secret) =>
      authenticate(db, { method: 'GET', headers: {}, cookies: { [sessionCookie]: secret } } as never),
    ),
  );
  const [here, there, old] = callers;
  assert.ok(here !== undefined && there !== undefined && old !== undefined);
  assert.equal((await standingOf(db, callers)).size, 3);
  await signOut(db, secrets[0] ?? '', here, { requestId: 'test', address: undefined });
  await sql`update sessions set expires_at = now() where hash = ${old.sessionHash}`.execute(db);
  assert.deepEqual([...(await standingOf(db, callers)).keys()], [there]);
});
